/* SPDX-License-Identifier: Apache-2.0
 * A header block (one "name:value" a line) that the guard takes has one framing and one valid host. The media types in
 * it never upset their parsers. */
#include "dirhinge/base/json.h"
#include "fuzz.h"
#include "http/guard.h"
#include "http/media.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct header_field fields[GUARD_FIELDS_MAX + 1];
	struct header_facts f = {0};
	struct err e = ERR_INIT;
	struct strv rest = strv_n((const char *)data, size);
	size_t n = 0, lengths = 0, encodings = 0;

	while (rest.n && n < ARRAY_SIZE(fields)) {
		struct strv line = strv_n(rest.p, strv_chr(rest, '\n'));
		size_t skip = line.n + 1 < rest.n ? line.n + 1 : rest.n;
		rest = strv_n(rest.p + skip, rest.n - skip);
		size_t colon = strv_chr(line, ':');
		size_t value = colon < line.n ? colon + 1 : line.n;
		fields[n] = (struct header_field){strv_n(line.p, colon), strv_n(line.p + value, line.n - value)};
		lengths += strv_caseeq(fields[n].name, STRV("content-length"));
		encodings += strv_caseeq(fields[n].name, STRV("transfer-encoding"));
		n++;
	}
	if (http_guard_check(a, "HTTP/1.1", fields, n, &f, &e) < 0) {
		must(e.code == ERR_REQUEST && e.detail[0] && !f.host.p);
		return 0;
	}
	must(n <= GUARD_FIELDS_MAX && lengths + encodings <= 1 && f.chunked == (encodings == 1));
	must((f.content_length >= 0) == (lengths == 1) && http_guard_host_valid(f.host));
	(void)http_media_is_json(f.content_type);
	must(http_media_choose(f.accept) != NULL);
	return 0;
}
