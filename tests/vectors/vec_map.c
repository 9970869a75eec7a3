/* SPDX-License-Identifier: Apache-2.0
 * Plays both ways of the map without a directory. Directives:
 *   @mode read      entry lines => the resource as JSON (without id, meta and schemas unless @full on)
 *   @mode create    resource as JSON => the entry to add
 *   @mode modify    entry lines, a line "--", a JSON merge patch (RFC 7396) of the resource => the modify
 *   @mode query     SCIM filter => LDAP filter and how good it is
 *   @mode attrs     attributes parameter ("*" = all) => LDAP attributes to ask for
 *   @mode load      YAML of an override => "ok", or the error
 *   @type User|Group
 *   @without WORDS  definitions that the directory lacks (map_fixture_caps)
 *   @rdn NAME, @classes NAMES, @member NAME, @active NAME, @client NAME, @override YAML (\n for a new line), @now RFC
 * 3339 */
#include "dirhinge/base/codec.h"
#include "map_fixture.h"
#include "map_tree.h"
#include "vectors.h"

struct state {
	struct arena *a;
	const char *mode, *type, *without, *rdn, *classes, *member, *active, *client, *override;
	int64_t now;
	bool full;
};

static const char **
words(struct arena *a, const char *text)
{
	const char **v = ARENA_ARRAY(a, strlen(text) + 2, const char *);
	size_t n = 0;
	while (*text) {
		size_t len = strcspn(text, " ");
		v[n++] = arena_strndup(a, text, len);
		text += len + strspn(text + len, " ");
	}
	return v;
}

static char *
unescaped(struct arena *a, struct strv v)
{
	char *s = arena_strndup(a, v.p, v.n), *w = s;
	for (const char *p = s; *p; p++) {
		bool newline = p[0] == '\\' && p[1] == 'n';
		*w++ = newline ? '\n' : *p;
		p += newline;
	}
	*w = 0;
	return s;
}

static bool
directive(void *ctx, struct arena *a DH_UNUSED, const char *key, struct strv value)
{
	struct state *s = ctx;
	const struct {
		const char *key;
		const char **field;
	} fields[] = {
		{"mode", &s->mode},       {"type", &s->type},     {"without", &s->without}, {"rdn", &s->rdn},
		{"classes", &s->classes}, {"active", &s->active}, {"client", &s->client},   {"member", &s->member},
	};
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (str_eq(key, fields[i].key)) {
			*fields[i].field = value.n ? arena_strndup(s->a, value.p, value.n) : NULL;
			return true;
		}
	if (str_eq(key, "override"))
		s->override = value.n ? unescaped(s->a, value) : NULL;
	else if (str_eq(key, "full"))
		s->full = strv_eq(value, STRV("on"));
	else if (str_eq(key, "now"))
		return time_from_rfc3339(value, &s->now, NULL) == 0;
	else
		return false;
	return true;
}

/* --- one case ---------------------------------------------------------------------------------------------------- */

struct play {
	struct map_run r;
	const struct map *m;
	struct map_opts opts;
	struct buf *out;
	struct strv input;
};

static int
begin(struct state *s, struct play *p, struct arena *a, const char *override, struct err *e)
{
	const struct map_set *set;
	const struct dir_caps *caps = map_fixture_caps(a, s->without);
	bool group = str_eq(s->type, "Group");
	p->opts = map_fixture_opts();
	struct map_type_opts *t = group ? &p->opts.groups : &p->opts.users;
	if (s->rdn)
		t->rdn = s->rdn;
	if (s->classes)
		t->object_classes = words(a, s->classes);
	if (s->member)
		t->member_attribute = s->member;
	if (s->active)
		p->opts.users.active = s->active;
	t->override_text = override;
	t->override_name = "users.yaml";
	if (map_load(a, &p->opts, caps, &set, e) < 0)
		return -1;
	p->m = group ? set->groups : set->users;
	p->r = (struct map_run){
		.a = a,
		.caps = caps,
		.set = set,
		.client = s->client ? s->client : "okta",
		.base_url = "https://scim.example.com/v2",
		.now_us = s->now,
	};
	return 0;
}

static void
print_mods(struct play *p, const struct map_change *c)
{
	static const char *const verbs[] = {"add", "delete", "replace"};
	if (c->new_rdn)
		buf_printf(p->out, "rename %s\n", c->new_rdn);
	for (size_t i = 0; i < c->mods.n; i++) {
		const struct dir_mod *mod = &c->mods.mods[i];
		for (size_t k = 0; k < mod->n; k++) {
			buf_printf(p->out, "%s ", verbs[mod->op]);
			map_fixture_print(p->out, mod->attr, mod->values[k]);
			buf_addc(p->out, '\n');
		}
		if (mod->n == 0)
			buf_printf(p->out, "%s %s\n", verbs[mod->op], mod->attr);
	}
}

static void
print_rest(struct play *p, const struct map_change *c)
{
	if (c->active_changed)
		buf_printf(p->out, "%s\n", c->disabled ? "disabled" : "enabled");
	if (c->password.p)
		buf_printf(p->out, "password %zu bytes\n", c->password.n);
	for (size_t i = 0; c->ignored && c->ignored[i]; i++)
		buf_printf(p->out, "ignored %s\n", c->ignored[i]);
	if (p->out->n == 0)
		buf_adds(p->out, "nothing");
	else if (p->out->p[p->out->n - 1] == '\n')
		p->out->p[--p->out->n] = 0;
}

static int
read_case(struct state *s, struct play *p, struct err *e)
{
	const struct dir_entry *en = map_fixture_entry(p->r.a, p->input);
	json_t *res;
	if (!en)
		return err_set(e, ERR_PARSE, "not an entry");
	if (map_tree(&p->r, p->m, en, &res, e) < 0)
		return -1;
	static const char *const always[] = {"id", "meta", "schemas"};
	for (size_t i = 0; i < ARRAY_SIZE(always) && !s->full; i++)
		json_object_del(res, always[i]);
	buf_adds(p->out, json_text_canonical(p->r.a, res));
	return 0;
}

static int
create_case(struct play *p, struct err *e)
{
	json_t *res;
	struct map_change c;
	char *dn;
	if (json_parse(p->r.a, p->input, NULL, &res, e) < 0 || map_to_entry(&p->r, p->m, res, NULL, 0, &dn, &c, e) < 0)
		return -1;
	buf_printf(p->out, "dn: %s\n", dn);
	for (size_t i = 0; i < c.mods.n; i++)
		for (size_t k = 0; k < c.mods.mods[i].n; k++) {
			map_fixture_print(p->out, c.mods.mods[i].attr, c.mods.mods[i].values[k]);
			buf_addc(p->out, '\n');
		}
	print_rest(p, &c);
	return 0;
}

/* RFC 7396 */
static void
merge(json_t *into, json_t *patch)
{
	const char *key;
	json_t *v;
	json_object_foreach (patch, key, v) {
		json_t *old = json_object_get(into, key);
		if (json_is_null(v)) {
			json_object_del(into, key);
		} else if (json_is_object(v)) {
			if (!json_is_object(old))
				json_object_set_new(into, key, json_object());
			merge(json_object_get(into, key), v);
			if (json_object_size(json_object_get(into, key)) == 0)
				json_object_del(into, key);
		} else {
			json_object_set(into, key, v);
		}
	}
}

static int
modify_case(struct play *p, struct err *e)
{
	const char *mark = strstr(p->input.p, "\n--\n");
	if (!mark)
		return err_set(e, ERR_PARSE, "no line --");
	const struct dir_entry *en = map_fixture_entry(p->r.a, strv_n(p->input.p, (size_t)(mark - p->input.p)));
	json_t *before, *patch;
	struct map_change c;
	if (!en)
		return err_set(e, ERR_PARSE, "not an entry");
	if (map_tree(&p->r, p->m, en, &before, e) < 0 || json_parse(p->r.a, strv_of(mark + 4), NULL, &patch, e) < 0)
		return -1;
	json_t *after = json_keep(p->r.a, json_deep_copy(before));
	merge(after, patch);
	if (map_to_mods(&p->r, p->m, before, after, en, &c, e) < 0)
		return -1;
	print_mods(p, &c);
	print_rest(p, &c);
	return 0;
}

static int
query_case(struct play *p, struct err *e)
{
	struct scim_ctx c = {.a = p->r.a, .type = map_type(p->m)};
	const struct scim_filter *f;
	struct map_query q;
	char *text;
	if (scim_filter_parse(&c, p->input, &f, e) < 0 || map_query(&p->r, p->m, f, &q, e) < 0 ||
	    dir_filter_text(p->r.a, q.filter, &text, e) < 0)
		return -1;
	buf_printf(p->out, "%s %s%s", text, q.exact ? "exact" : "more", q.at_most_one ? " one" : "");
	return 0;
}

static int
attrs_case(struct play *p, struct err *e)
{
	struct scim_ctx c = {.a = p->r.a, .type = map_type(p->m), .tolerate = SCIM_TOL_LENIENT};
	const struct scim_project *proj = NULL;
	if (!strv_eq(p->input, STRV("*")) && scim_project_parse(&c, p->input.p, NULL, &proj, e) < 0)
		return -1;
	const char *const *attrs = map_attrs(&p->r, p->m, proj, NULL);
	for (size_t i = 0; attrs[i]; i++)
		buf_printf(p->out, "%s%s", i ? " " : "", attrs[i]);
	return 0;
}

static void
run(void *ctx, const struct vec_case *vc, struct buf *out)
{
	struct state *s = ctx;
	struct play p = {.out = out, .input = vc->input};
	struct err e = ERR_INIT;
	bool load = str_eq(s->mode, "load");
	int rc = begin(s, &p, vc->a, load ? unescaped(vc->a, vc->input) : s->override, &e);
	if (rc == 0 && load)
		buf_adds(out, "ok");
	else if (rc == 0)
		rc = str_eq(s->mode, "read")     ? read_case(s, &p, &e)
		     : str_eq(s->mode, "create") ? create_case(&p, &e)
		     : str_eq(s->mode, "modify") ? modify_case(&p, &e)
		     : str_eq(s->mode, "attrs")  ? attrs_case(&p, &e)
						 : query_case(&p, &e);
	if (rc < 0) {
		buf_reset(out);
		buf_printf(out, "! %s %s", err_name(e.code), e.detail);
	}
}

int
main(void)
{
	static const char *const files[] = {
		"tests/vectors/map/read.txt",   "tests/vectors/map/create.txt",    "tests/vectors/map/modify.txt",
		"tests/vectors/map/query.txt",  "tests/vectors/map/load.txt",      "tests/vectors/map/plain.txt",
		"tests/vectors/map/active.txt", "tests/vectors/map/extension.txt", "tests/vectors/map/typed.txt",
	};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	unsigned cases = 0, failed = 0;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct state s = {.a = a, .mode = "read", .type = "User"};
		if (time_from_rfc3339(STRV("2026-11-20T12:00:00Z"), &s.now, NULL) < 0)
			return 2;
		struct vec_runner r = {.run = run, .directive = directive, .ctx = &s};
		vec_play(&r, files[i]);
		cases += r.cases;
		failed += r.failed;
	}
	const struct vec_runner sum = {.cases = cases, .failed = failed};
	return vec_summary(&sum, "map");
}
