/* SPDX-License-Identifier: Apache-2.0
 * Whatever a domain controller or a damaged database says, DirSync takes it apart or refuses it; a resume point is
 * written back as it was read. */
#include "dir/dirsync.h"
#include "fuzz.h"

static void
fuzz_mark(struct arena *a, struct strv v)
{
	struct dirsync_mark m, again;

	if (!dir_dirsync_mark_parse(v, &m))
		return;
	must(m.cookie.n > 0 && m.cookie.n <= DIRSYNC_COOKIE_MAX && m.usn >= 0);
	must(dir_dirsync_mark_parse(dir_dirsync_mark_text(a, &m), &again));
	must(str_eq(again.invocation, m.invocation) && again.flags == m.flags && again.usn == m.usn &&
	     strv_eq(again.cookie, m.cookie));
}

static void
fuzz_done(struct arena *a, struct strv v)
{
	struct err e = ERR_INIT;
	struct dirsync_done d;

	if (dir_dirsync_done(a, v, &d, &e)) {
		must(e.code == ERR_PARSE && e.offset <= v.n);
		return;
	}
	must(d.cookie.n > 0 && d.cookie.n < v.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct strv v = strv_n(arena_memdup(a, data, size), size);

	fuzz_done(a, v);
	fuzz_mark(a, v);
	(void)dir_dirsync_links(arena_strndup(a, v.p, v.n), "member");
	return 0;
}
