/* SPDX-License-Identifier: Apache-2.0
 * A request target that is taken has only clean segments and parameters, each findable, whatever the bytes were. */
#include "dirhinge/base/json.h"
#include "fuzz.h"
#include "http/uri.h"

static void
check_clean(const char *text)
{
	struct strv s = strv_of(text);
	must(utf8_valid(s, NULL));
	for (size_t i = 0; i < s.n; i++)
		must((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct err e = ERR_INIT;
	struct uri u = {0};
	const char *target = arena_strndup(a, (const char *)data, size);

	if (http_uri_parse(a, target, &u, &e) < 0) {
		must(e.code != ERR_OK && e.detail[0] && u.n_segments == 0 && u.path == NULL);
		return 0;
	}
	must(strlen(target) <= URI_MAX && u.path);
	for (size_t i = 0; i < u.n_segments; i++) {
		check_clean(u.segments[i]);
		must(!strchr(u.segments[i], '/') && !strchr(u.segments[i], '\\'));
		must(!str_eq(u.segments[i], ".") && !str_eq(u.segments[i], ".."));
	}
	for (size_t i = 0; i < u.n_params; i++) {
		check_clean(u.params[i].name);
		check_clean(u.params[i].value);
		must(http_uri_param(&u, u.params[i].name) == u.params[i].value);
	}
	return 0;
}
