/* SPDX-License-Identifier: Apache-2.0
 * Every decoder of base on the same bytes: what it takes, it gives back in one spelling. Log lines of the bytes stay
 * valid. */
#include "dirhinge/base/codec.h"
#include "dirhinge/base/json.h"
#include "dirhinge/base/log.h"
#include "fuzz.h"

#define LINE_SIZE 8192

static void
binary(struct arena *a, struct strv in)
{
	unsigned char bytes[16], small[8];
	char text[37];
	struct err e = ERR_INIT;
	struct strv out;

	if (base64_decode(a, in, &out, &e) == 0)
		must(strv_eq(strv_of(base64_encode(a, out)), in));
	else
		must(e.offset <= in.n);
	if (base64url_decode(a, in, &out, &e) == 0)
		must(strv_eq(strv_of(base64url_encode(a, out)), in));
	else
		must(e.offset <= in.n);
	must(base64_decode(a, strv_of(base64_encode(a, in)), &out, &e) == 0 && strv_eq(out, in));
	must((uuid_parse(in, bytes, &e) == 0) == uuid_valid(in));
	if (uuid_valid(in)) {
		uuid_format(bytes, text);
		must(strv_caseeq(strv_of(text), in));
	}
	if (hex_decode(in, small, sizeof(small), &e) == 0)
		must(strv_caseeq(strv_of(hex_encode(a, strv_n((char *)small, sizeof(small)))), in));
}

/* Both spellings of a time lead back to it. */
static void
times(struct strv in)
{
	struct err e = ERR_INIT;
	int64_t us, back;
	char text[32], plain[24];

	if (time_from_generalized(in, &us, &e) < 0) {
		must(e.code == ERR_PARSE && e.offset <= in.n);
		if (time_from_rfc3339(in, &us, &e) < 0) {
			must(e.code == ERR_PARSE && e.offset <= in.n);
			return;
		}
	}
	time_to_rfc3339(us, text);
	must(time_from_rfc3339(strv_of(text), &back, &e) == 0 && back == us);
	time_to_generalized(us, plain);
	must(time_from_generalized(strv_of(plain), &back, &e) == 0 && back == us);
}

static void
log_line(struct arena *a, struct strv in)
{
	const char *s = arena_strndup(a, in.p, in.n);
	const struct log_field fields[] = {LOG_S("v", s), LOG_I("n", 1), LOG_S("w", s), LOG_END};
	char line[LINE_SIZE];
	struct err e = ERR_INIT;
	json_t *root;
	size_t n = log_render(line, sizeof(line), LOG_JSON, LOG_INFO_, s, fields);

	must(n > 0 && line[n - 1] == '\n' && memchr(line, '\n', n) == line + n - 1);
	must(json_parse(a, strv_n(line, n - 1), NULL, &root, &e) == 0);
	n = log_render(line, sizeof(line), LOG_TEXT, LOG_INFO_, s, fields);
	must(n > 0 && line[n - 1] == '\n' && memchr(line, '\n', n) == line + n - 1);
	must(utf8_valid(strv_n(line, n), NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct strv in = strv_n((const char *)data, size);

	binary(a, in);
	times(in);
	log_line(a, in);
	return 0;
}
