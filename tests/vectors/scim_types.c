/* SPDX-License-Identifier: Apache-2.0
 * Fixture of the SCIM vector runners. */
#include "scim_types.h"

#include <stdio.h>
#include <stdlib.h>

#include "dirhinge/base/file.h"
#include "vectors.h"

static const char *const doc_files[] = {
	"schema/scim/user.json",         "schema/scim/enterprise.json",    "schema/scim/group.json",
	"tests/vectors/scim/thing.json", "tests/vectors/scim/gadget.json",
};

static const char *const user_extensions[] = {SCIM_URN_ENTERPRISE};
static const char *const thing_extensions[] = {
	"urn:example:test:1.0:Thing:more",
	"urn:example:test:1.0:Thing:more.still",
};

static const struct scim_type_spec user_spec = {
	.name = "User",
	.endpoint = "/Users",
	.description = "User account",
	.core_urn = SCIM_URN_USER,
	.extension_urns = user_extensions,
	.n_extensions = ARRAY_SIZE(user_extensions),
};
static const struct scim_type_spec group_spec = {
	.name = "Group",
	.endpoint = "/Groups",
	.description = "Group",
	.core_urn = SCIM_URN_GROUP,
};
static const struct scim_type_spec thing_spec = {
	.name = "Thing",
	.endpoint = "/Things",
	.description = "Every kind of attribute",
	.core_urn = "urn:example:test:1.0:Thing",
	.extension_urns = thing_extensions,
	.n_extensions = ARRAY_SIZE(thing_extensions),
};

static const char *const gadget_extensions[] = {"urn:example:params:scim:schemas:extension:2.0:Gadget"};
static const struct scim_type_spec gadget_spec = {
	.name = "Gadget",
	.endpoint = "/Gadgets",
	.description = "Every mutability and returned characteristic",
	.core_urn = "urn:example:params:scim:schemas:2.0:Gadget",
	.extension_urns = gadget_extensions,
	.n_extensions = ARRAY_SIZE(gadget_extensions),
};

struct docs {
	const json_t *doc[16];
	size_t n;
};

static void
die(const char *what, const struct err *e)
{
	fprintf(stderr, "%s: %s %s\n", what, e->detail, e->cause);
	abort();
}

/* A file holds one schema or a list of them. */
static void
add_docs(struct arena *a, const char *file, struct docs *d)
{
	struct err e = ERR_INIT;
	struct strv text;
	json_t *root = NULL;
	if (file_read(a, vec_path(a, file), 1 << 20, &text, &e) || json_parse(a, text, NULL, &root, &e))
		die(file, &e);
	if (json_is_object(root))
		d->doc[d->n++] = root;
	for (size_t i = 0; i < json_array_size(root) && d->n < ARRAY_SIZE(d->doc); i++)
		d->doc[d->n++] = json_array_get(root, i);
}

static const struct scim_type *
build(struct arena *a, const struct scim_type_spec *spec, const struct docs *d)
{
	struct err e = ERR_INIT;
	const struct scim_type *t = NULL;
	if (scim_type_build(a, spec, d->doc, d->n, NULL, NULL, &t, &e))
		die(spec->name, &e);
	return t;
}

void
scim_types_load(struct arena *a, struct scim_types *t)
{
	struct docs d = {.n = 0};
	for (size_t i = 0; i < ARRAY_SIZE(doc_files); i++)
		add_docs(a, doc_files[i], &d);
	t->user = build(a, &user_spec, &d);
	t->group = build(a, &group_spec, &d);
	t->thing = build(a, &thing_spec, &d);
	t->gadget = build(a, &gadget_spec, &d);
}

const struct scim_type *
scim_types_find(const struct scim_types *t, struct strv name)
{
	const struct scim_type *const all[] = {t->user, t->group, t->thing, t->gadget};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (strv_eq(strv_of(all[i]->name), name))
			return all[i];
	return NULL;
}

static bool
tolerance_of(struct strv word, unsigned *bits_r)
{
	static const struct {
		const char *name;
		unsigned bits;
	} profiles[] = {
		{"strict", SCIM_TOL_STRICT},
		{"lenient", SCIM_TOL_LENIENT},
		{"entra", SCIM_TOL_ENTRA},
		{"okta", SCIM_TOL_OKTA},
	};
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++)
		if (strv_eq(word, strv_of(profiles[i].name))) {
			*bits_r = profiles[i].bits;
			return true;
		}
	for (unsigned bit = 1; bit < 1u << 20; bit <<= 1)
		if (strv_eq(word, strv_of(scim_tolerance_name((enum scim_tolerance)bit)))) {
			*bits_r = bit;
			return true;
		}
	return false;
}

bool
scim_types_tolerance(struct strv words, unsigned *tolerate_r)
{
	unsigned all = 0, bits = 0;
	while (words.n) {
		size_t n = strv_chr(words, ' ');
		if (!tolerance_of(strv_n(words.p, n), &bits))
			return false;
		all |= bits;
		n += n < words.n;
		words = strv_n(words.p + n, words.n - n);
	}
	*tolerate_r = all;
	return true;
}

static void
print_notes(struct buf *out, const struct scim_note *n)
{
	if (!n)
		return;
	print_notes(out, n->next);
	buf_printf(out, " %s", scim_tolerance_name(n->kind));
}

void
scim_types_notes(struct buf *out, const struct scim_ctx *c)
{
	if (c->notes)
		buf_adds(out, " ~");
	print_notes(out, c->notes);
}
