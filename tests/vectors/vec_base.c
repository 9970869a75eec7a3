/* SPDX-License-Identifier: Apache-2.0
 * Plays tests/vectors/base: each file names by "@of" which function its cases go through. */
#include "dirhinge/base/codec.h"
#include "dirhinge/base/json.h"
#include "dirhinge/base/unicode.h"
#include "dirhinge/base/yaml.h"
#include "vectors.h"

typedef void (*play_fn)(const struct vec_case *c, struct buf *out);

struct player {
	play_fn play;
};

/* Microseconds and the other spelling. */
static void
play_generalized(const struct vec_case *c, struct buf *out)
{
	struct err e = ERR_INIT;
	char text[32];
	int64_t us;

	if (time_from_generalized(c->input, &us, &e) < 0) {
		vec_err(out, &e);
		return;
	}
	time_to_rfc3339(us, text);
	buf_printf(out, "%lld %s", (long long)us, text);
}

static void
play_rfc3339(const struct vec_case *c, struct buf *out)
{
	struct err e = ERR_INIT;
	char text[24];
	int64_t us;

	if (time_from_rfc3339(c->input, &us, &e) < 0) {
		vec_err(out, &e);
		return;
	}
	time_to_generalized(us, text);
	buf_printf(out, "%lld %s", (long long)us, text);
}

static void
play_json(const struct vec_case *c, struct buf *out)
{
	struct err e = ERR_INIT;
	json_t *root;

	if (json_parse(c->a, c->input, NULL, &root, &e) < 0)
		vec_err(out, &e);
	else
		buf_adds(out, json_text(c->a, root));
}

/* The tree, or the message with its line. */
static void
play_yaml(const struct vec_case *c, struct buf *out)
{
	struct err e = ERR_INIT;
	struct yaml *doc;

	if (yaml_parse(c->a, "f", c->input, &doc, &e) < 0)
		buf_printf(out, "! %s", e.detail);
	else
		buf_adds(out, json_text(c->a, yaml_root(doc)));
}

static void
play_decode(const struct vec_case *c, struct buf *out,
	    int (*fn)(struct arena *, struct strv, struct strv *, struct err *))
{
	struct err e = ERR_INIT;
	struct strv bytes;

	if (fn(c->a, c->input, &bytes, &e) < 0)
		vec_err(out, &e);
	else
		buf_adds(out, hex_encode(c->a, bytes));
}

static void
play_base64(const struct vec_case *c, struct buf *out)
{
	play_decode(c, out, base64_decode);
}

static void
play_base64url(const struct vec_case *c, struct buf *out)
{
	play_decode(c, out, base64url_decode);
}

static void
play_uuid(const struct vec_case *c, struct buf *out)
{
	struct err e = ERR_INIT;
	unsigned char bytes[16];
	char network[37], microsoft[37];

	if (uuid_parse(c->input, bytes, &e) < 0) {
		vec_err(out, &e);
		return;
	}
	uuid_format(bytes, network);
	guid_format(bytes, microsoft);
	buf_printf(out, "%s %s", network, microsoft);
}

static void
play_name(const struct vec_case *c, struct buf *out)
{
	struct err e = ERR_INIT;
	struct strv name;

	if (unicode_prepare_name(c->a, c->input, &name, &e) < 0) {
		vec_err(out, &e);
		buf_printf(out, ": %s", e.detail);
	} else {
		buf_addv(out, name);
	}
}

static const struct {
	const char *name;
	play_fn play;
} kinds[] = {
	{"generalized", play_generalized}, {"rfc3339", play_rfc3339},     {"json", play_json}, {"yaml", play_yaml},
	{"base64", play_base64},           {"base64url", play_base64url}, {"uuid", play_uuid}, {"name", play_name},
};

static bool
directive(void *ctx, struct arena *a DH_UNUSED, const char *key, struct strv value)
{
	struct player *p = ctx;

	if (!str_eq(key, "of"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strv_eq(value, strv_of(kinds[i].name)))
			continue;
		p->play = kinds[i].play;
		return true;
	}
	return false;
}

static void
run(void *ctx, const struct vec_case *c, struct buf *out)
{
	const struct player *p = ctx;

	must(p->play != NULL);
	p->play(c, out);
}

int
main(void)
{
	static const char *const files[] = {"codec.txt", "json.txt", "name.txt", "time.txt", "yaml.txt"};
	struct player p = {.play = NULL};
	struct vec_runner r = {.run = run, .directive = directive, .ctx = &p};

	json_object_seed(0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		DH_CLEANUP(arena_free) struct arena *a = arena_new(256);

		vec_play(&r, arena_printf(a, "tests/vectors/base/%s", files[i]));
	}
	return vec_summary(&r, "base");
}
