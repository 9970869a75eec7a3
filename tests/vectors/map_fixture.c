/* SPDX-License-Identifier: Apache-2.0
 * See map_fixture.h. */
#include "map_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "dirhinge/base/codec.h"
#include "dirhinge/base/file.h"
#include "vectors.h"

struct lines {
	struct strv rest;
};

static bool
next_line(struct lines *l, struct strv *line_r)
{
	if (l->rest.n == 0)
		return false;
	size_t n = strv_chr(l->rest, '\n');
	*line_r = strv_n(l->rest.p, n);
	l->rest = n < l->rest.n ? strv_n(l->rest.p + n + 1, l->rest.n - n - 1) : STRV("");
	return true;
}

static void
add_value(struct arena *a, struct dir_entry *en, struct strv name, struct strv value)
{
	struct dir_attr *at = NULL;
	for (size_t i = 0; i < en->n_attrs; i++)
		if (strv_caseeq(strv_of(en->attrs[i].name), name))
			at = &en->attrs[i];
	if (!at) {
		struct dir_attr *attrs = ARENA_ARRAY(a, en->n_attrs + 1, struct dir_attr);
		if (en->n_attrs)
			memcpy(attrs, en->attrs, en->n_attrs * sizeof(*attrs));
		en->attrs = attrs;
		at = &attrs[en->n_attrs++];
		at->name = arena_strndup(a, name.p, name.n);
	}
	struct strv *values = ARENA_ARRAY(a, at->n + 1, struct strv);
	if (at->n)
		memcpy(values, at->values, at->n * sizeof(*values));
	at->values = values;
	values[at->n++] = strv_n(arena_strndup(a, value.n ? value.p : "", value.n), value.n);
}

static bool
line_pair(struct arena *a, struct strv line, struct strv *name_r, struct strv *value_r)
{
	size_t colon = strv_chr(line, ':');
	if (colon == line.n)
		return false;
	struct strv value = strv_n(line.p + colon + 1, line.n - colon - 1);
	bool binary = strv_starts(value, STRV(":"));
	if (binary)
		value = strv_n(value.p + 1, value.n - 1);
	if (strv_starts(value, STRV(" ")))
		value = strv_n(value.p + 1, value.n - 1);
	*name_r = strv_n(line.p, colon);
	*value_r = value;
	return !binary || base64_decode(a, value, value_r, NULL) == 0;
}

/* --- capabilities ------------------------------------------------------------------------------------------------ */

static bool
left_out(struct strv definition, const char *without)
{
	for (const char *w = without; w && *w;) {
		size_t n = strcspn(w, " ");
		char quoted[64];
		snprintf(quoted, sizeof(quoted), "'%.*s%s", (int)n, w,
			 strv_eq(strv_n(w, n), STRV("dirhinge")) ? "" : "'");
		if (memmem(definition.p, definition.n, quoted, strlen(quoted)))
			return true;
		w += n + strspn(w + n, " ");
	}
	return false;
}

const struct dir_caps *
map_fixture_caps(struct arena *a, const char *without)
{
	struct strv text, line, name, value;
	struct err e = ERR_INIT;
	struct dir_entry sub = {.dn = "cn=Subschema"};
	struct dir_caps *caps = ARENA_NEW(a, struct dir_caps);
	if (file_read(a, vec_path(a, "tests/vectors/map/subschema.txt"), 1 << 20, &text, &e) < 0) {
		fprintf(stderr, "%s\n", e.detail);
		exit(2);
	}
	struct lines l = {text};
	while (next_line(&l, &line))
		if (line.n && line.p[0] != '#' && line_pair(a, line, &name, &value) && !left_out(value, without))
			add_value(a, &sub, name, value);
	*caps = (struct dir_caps){.flavour = &dir_flavour_openldap, .password_modify = true, .matched_values = true};
	if (dir_subschema_build(a, &sub, &caps->schema, &e) < 0) {
		fprintf(stderr, "subschema: %s\n", e.detail);
		exit(2);
	}
	return caps;
}

struct map_opts
map_fixture_opts(void)
{
	static const char *const users[] = {"inetOrgPerson", NULL}, *const groups[] = {"groupOfNames", NULL};
	return (struct map_opts){
		.users = {.base = "ou=people,dc=example,dc=com",
			  .rdn = "uid",
			  .object_classes = users,
			  .active = "auto"},
		.groups = {.base = "ou=groups,dc=example,dc=com",
			   .rdn = "cn",
			   .object_classes = groups,
			   .member_attribute = "member"},
	};
}

/* --- entries ----------------------------------------------------------------------------------------------------- */

const struct dir_entry *
map_fixture_entry(struct arena *a, struct strv text)
{
	static const char *const defaults[][2] = {
		{"entryUUID", "01900000-0000-7000-8000-000000000001"},
		{"createTimestamp", "20260101000000Z"},
		{"modifyTimestamp", "20260102030405Z"},
		{"entryCSN", "20260102030405.000006Z#000000#000#000000"},
		{"modifiersName", "cn=dirhinge,dc=example,dc=com"},
	};
	struct dir_entry *en = ARENA_NEW(a, struct dir_entry);
	struct lines l = {text};
	struct strv line, name, value;
	while (next_line(&l, &line)) {
		if (!line_pair(a, line, &name, &value))
			return NULL;
		if (strv_eq(name, STRV("dn")))
			en->dn = arena_strndup(a, value.p, value.n);
		else
			add_value(a, en, name, value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (!dir_entry_attr(en, defaults[i][0]))
			add_value(a, en, strv_of(defaults[i][0]), strv_of(defaults[i][1]));
	return en->dn ? en : NULL;
}

void
map_fixture_print(struct buf *out, const char *attr, struct strv value)
{
	bool text = utf8_valid(value, NULL);
	for (size_t i = 0; i < value.n; i++)
		text &= (unsigned char)value.p[i] >= ' ';
	buf_printf(out, "%s%s ", attr, text ? ":" : "::");
	if (text) {
		buf_addv(out, value);
		return;
	}
	DH_CLEANUP(arena_free) struct arena *a = arena_new(256);
	buf_adds(out, base64_encode(a, value));
}
