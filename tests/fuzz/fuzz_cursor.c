/* SPDX-License-Identifier: Apache-2.0
 * Cursors: what is not ours is refused and leaves the output alone, what is accepted is the one text of its position,
 * and no byte of one of ours can be changed. */
#include "dirhinge/event/cursor.h"
#include "fuzz.h"

static const struct event_log lg = {.key = {"0123456789abcdef0123456789abcdef", 32}, .generation = "0011223344556677"};

static bool
parse(struct strv text, struct event_cursor *c)
{
	struct err e = ERR_INIT;
	const struct event_cursor before = {-7, 7};

	*c = before;
	if (event_cursor_parse(&lg, text, c, &e) == 0)
		return true;
	must(e.code == ERR_CURSOR || e.code == ERR_GONE);
	must(c->seq == before.seq && c->mark == before.mark);
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct strv text = strv_n((const char *)data, size);
	struct event_cursor c, mine = {0, 0};

	if (parse(text, &c))
		must(strv_eq(strv_of(event_cursor_text(a, &lg, &c)), text));
	if (size < 18)
		return 0;
	memcpy(&mine.seq, data, 8);
	memcpy(&mine.mark, data + 8, 8);
	char *own = event_cursor_text(a, &lg, &mine);
	must(parse(strv_of(own), &c) && c.seq == mine.seq && c.mark == mine.mark);
	size_t at = data[16] % strlen(own);
	if (own[at] == (char)data[17])
		return 0;
	own[at] = (char)data[17];
	must(!parse(strv_of(own), &c));
	return 0;
}
