/* SPDX-License-Identifier: Apache-2.0
 * Schema documents to attribute tables, and the lookups on them. */
#include "dirhinge/scim/project.h"
#include "scim/normal.h"

static const char *const kind_names[] = {
	[SCIM_STRING] = "string",       [SCIM_BOOLEAN] = "boolean",   [SCIM_DECIMAL] = "decimal",
	[SCIM_INTEGER] = "integer",     [SCIM_DATETIME] = "dateTime", [SCIM_BINARY] = "binary",
	[SCIM_REFERENCE] = "reference", [SCIM_COMPLEX] = "complex",
};
static const char *const mutability_names[] = {
	[SCIM_READ_WRITE] = "readWrite",
	[SCIM_READ_ONLY] = "readOnly",
	[SCIM_IMMUTABLE] = "immutable",
	[SCIM_WRITE_ONLY] = "writeOnly",
};
static const char *const returned_names[] = {
	[SCIM_RETURNED_DEFAULT] = "default",
	[SCIM_RETURNED_ALWAYS] = "always",
	[SCIM_RETURNED_NEVER] = "never",
	[SCIM_RETURNED_REQUEST] = "request",
};
static const char *const uniqueness_names[] = {
	[SCIM_UNIQUE_NONE] = "none",
	[SCIM_UNIQUE_SERVER] = "server",
	[SCIM_UNIQUE_GLOBAL] = "global",
};

/* RFC 7643 3.1: in no schema document, in every resource. externalId comes last: it alone can be unsupported. */
enum { COMMON_SCHEMAS, COMMON_ID, COMMON_META, COMMON_EXTERNAL_ID, COMMON_N };
static const struct scim_attr common_attrs[COMMON_N];

#define NAMED(n) .name = n, .key = {"\"" n "\":", sizeof(n) + 2}
#define META_SUB(n, k)                                                                        \
	{                                                                                     \
		NAMED(n), .path = "meta." n, .parent = &common_attrs[COMMON_META], .kind = k, \
			  .mutability = SCIM_READ_ONLY, .case_exact = true                    \
	}
static const struct scim_attr meta_subs[] = {
	META_SUB("resourceType", SCIM_STRING),   META_SUB("created", SCIM_DATETIME),
	META_SUB("lastModified", SCIM_DATETIME), META_SUB("location", SCIM_REFERENCE),
	META_SUB("version", SCIM_STRING),
};

static const struct scim_attr common_attrs[COMMON_N] = {
	[COMMON_SCHEMAS] = {NAMED("schemas"), .at = COMMON_SCHEMAS, .path = "schemas", .kind = SCIM_REFERENCE,
			    .returned = SCIM_RETURNED_ALWAYS, .multi = true, .required = true, .case_exact = true},
	[COMMON_ID] = {NAMED("id"), .at = COMMON_ID, .path = "id", .kind = SCIM_STRING, .mutability = SCIM_READ_ONLY,
		       .returned = SCIM_RETURNED_ALWAYS, .uniqueness = SCIM_UNIQUE_SERVER, .case_exact = true},
	[COMMON_META] = {NAMED("meta"), .at = COMMON_META, .path = "meta", .kind = SCIM_COMPLEX,
			 .mutability = SCIM_READ_ONLY, .subs = meta_subs, .n_subs = ARRAY_SIZE(meta_subs)},
	[COMMON_EXTERNAL_ID] = {NAMED("externalId"), .at = COMMON_EXTERNAL_ID, .path = "externalId",
				.kind = SCIM_STRING, .case_exact = true},
};

struct build {
	struct arena *a;
	scim_keep_fn keep;
	void *ctx;
	const struct scim_schema *schema; /* being built */
	const char *prefix;               /* "" or "URN:" */
	size_t at;                        /* number of the next top-level attribute */
};

static struct strv
key_of(struct arena *a, const char *name)
{
	json_auto_t *text = json_string(name);
	return strv_of(arena_printf(a, "%s:", json_text(a, text)));
}

static const struct scim_attr *
find_attr(const struct scim_attr *attrs, size_t n, struct strv name)
{
	for (size_t i = 0; i < n; i++) /* most differ in the first letter already */
		if (name.n && (attrs[i].name[0] | 0x20) == (name.p[0] | 0x20) &&
		    strv_caseeq(strv_of(attrs[i].name), name))
			return &attrs[i];
	return NULL;
}

/* RFC 7643 2.1 and its erratum on "$ref": ALPHA or '$' first, then letters, digits, '-', '_'. */
static bool
name_valid(const char *s)
{
	size_t n = strlen(s);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool later = (c >= '0' && c <= '9') || c == '-' || c == '_';
		if (!alpha && !(i == 0 && c == '$' && n > 1) && !(i > 0 && later))
			return false;
	}
	return n > 0;
}

/* A word out of a table; the table's first word is the default of RFC 7643 2.2 and is written into the definition, so
 * that /Schemas spells every characteristic out. */
static int
word_of(json_t *def, const char *path, const char *key, const char *const *names, size_t n, int *value_r, struct err *e)
{
	const json_t *v = json_object_get(def, key);
	if (!v) {
		json_object_set_new(def, key, json_string(names[0]));
		*value_r = 0;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (json_is_string(v) && str_eq(json_string_value(v), names[i])) {
			*value_r = (int)i;
			return 0;
		}
	return err_set(e, ERR_CONFIG, "schema attribute %s: \"%s\" has a value that RFC 7643 section 7 does not list",
		       path, key);
}

static int
flag_of(json_t *def, const char *path, const char *key, bool dflt, bool *value_r, struct err *e)
{
	const json_t *v = json_object_get(def, key);
	if (v && !json_is_boolean(v))
		return err_set(e, ERR_CONFIG, "schema attribute %s: \"%s\" must be true or false", path, key);
	if (!v)
		json_object_set_new(def, key, json_boolean(dflt));
	*value_r = v ? json_is_true(v) : dflt;
	return 0;
}

/* "serverDefault" is our own word (RFC 7643 7 has none for it) and not shown in /Schemas. */
static int
read_filled(json_t *def, struct scim_attr *attr, struct err *e)
{
	if (!json_object_get(def, "serverDefault"))
		return 0;
	if (flag_of(def, attr->path, "serverDefault", false, &attr->filled, e) < 0)
		return -1;
	json_object_del(def, "serverDefault");
	return 0;
}

static int
read_characteristics(json_t *def, struct scim_attr *attr, struct err *e)
{
	int kind, mutability, returned, uniqueness;
	if (word_of(def, attr->path, "type", kind_names, ARRAY_SIZE(kind_names), &kind, e) ||
	    word_of(def, attr->path, "mutability", mutability_names, ARRAY_SIZE(mutability_names), &mutability, e) ||
	    word_of(def, attr->path, "returned", returned_names, ARRAY_SIZE(returned_names), &returned, e) ||
	    word_of(def, attr->path, "uniqueness", uniqueness_names, ARRAY_SIZE(uniqueness_names), &uniqueness, e) ||
	    flag_of(def, attr->path, "multiValued", false, &attr->multi, e) ||
	    flag_of(def, attr->path, "required", false, &attr->required, e) || read_filled(def, attr, e))
		return -1;
	attr->kind = (enum scim_kind)kind;
	attr->mutability = (enum scim_mutability)mutability;
	attr->returned = (enum scim_returned)returned;
	attr->uniqueness = (enum scim_uniqueness)uniqueness;
	/* RFC 7643 2.3.6, 2.3.7: binaries and references are case exact unless the schema says otherwise. */
	bool exact = kind == SCIM_BINARY || kind == SCIM_REFERENCE;
	if (kind == SCIM_STRING || exact)
		return flag_of(def, attr->path, "caseExact", exact, &attr->case_exact, e);
	return 0;
}

static int build_attrs(const struct build *b, json_t *defs, const struct scim_attr *parent, const char *where,
		       struct scim_attr **attrs_r, size_t *n_r, struct err *e);

/* 1 kept, 0 not supported here, -1 error. */
static int
build_attr(const struct build *b, json_t *def, const struct scim_attr *parent, const char *where,
	   struct scim_attr *attr, struct err *e)
{
	const char *name = json_string_value(json_object_get(def, "name"));
	if (!name || !name_valid(name))
		return err_set(e, ERR_CONFIG, "schema %s: an attribute has no valid \"name\"", where);
	attr->name = arena_strdup(b->a, name);
	attr->path =
		parent ? arena_printf(b->a, "%s.%s", parent->path, name) : arena_printf(b->a, "%s%s", b->prefix, name);
	attr->key = key_of(b->a, name);
	attr->schema = b->schema;
	attr->parent = parent;
	attr->def = def;
	if (read_characteristics(def, attr, e))
		return -1;
	bool keep = !b->keep || b->keep(b->ctx, attr->path);
	json_t *subs = json_object_get(def, "subAttributes");
	if (attr->kind != SCIM_COMPLEX)
		return subs ? err_set(e, ERR_CONFIG, "schema attribute %s: only a complex attribute has subAttributes",
				      attr->path)
			    : keep;
	/* RFC 7643 2.3.8: a complex attribute has no complex sub-attributes. */
	if (parent)
		return err_set(e, ERR_CONFIG, "schema attribute %s: a sub-attribute cannot be complex", attr->path);
	if (json_array_size(subs) == 0)
		return err_set(e, ERR_CONFIG, "schema attribute %s: a complex attribute needs subAttributes",
			       attr->path);
	struct scim_attr *own;
	if (build_attrs(b, subs, attr, attr->path, &own, &attr->n_subs, e))
		return -1;
	attr->subs = own;
	return keep || attr->n_subs > 0;
}

/* Attributes that are not kept also leave the definitions, which become the /Schemas document. */
static int
build_attrs(const struct build *b, json_t *defs, const struct scim_attr *parent, const char *where,
	    struct scim_attr **attrs_r, size_t *n_r, struct err *e)
{
	/* One slot more: an empty table still has an address. */
	struct scim_attr *attrs = ARENA_ARRAY(b->a, json_array_size(defs) + 1, struct scim_attr);
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(defs);) {
		attrs[n] = (struct scim_attr){0};
		int rc = build_attr(b, json_array_get(defs, i), parent, where, &attrs[n], e);
		if (rc < 0)
			return -1;
		struct strv name = strv_of(attrs[n].name);
		if (find_attr(attrs, n, name) || (!parent && !*b->prefix && find_attr(common_attrs, COMMON_N, name)))
			return err_set(e, ERR_CONFIG, "schema %s: attribute \"%s\" is defined twice", where,
				       attrs[n].name);
		if (rc == 0) {
			json_array_remove(defs, i);
			continue;
		}
		n++;
		i++;
	}
	*attrs_r = attrs;
	*n_r = n;
	return 0;
}

static const json_t *
find_doc(const json_t *const *docs, size_t n, const char *urn)
{
	for (size_t i = 0; i < n; i++)
		if (str_caseeq(json_string_value(json_object_get(docs[i], "id")), urn))
			return docs[i];
	return NULL;
}

static int
build_schema(struct build *b, const char *urn, bool extension, const json_t *const *docs, size_t n_docs,
	     const struct scim_schema **schema_r, struct err *e)
{
	const json_t *given = find_doc(docs, n_docs, urn);
	if (!given)
		return err_set(e, ERR_CONFIG, "there is no schema document with the id %s", urn);
	json_t *doc = json_keep(b->a, json_deep_copy(given));
	struct scim_schema *s = ARENA_NEW(b->a, struct scim_schema);
	s->urn = json_string_value(json_object_get(doc, "id"));
	s->name = json_string_value(json_object_get(doc, "name"));
	s->key = key_of(b->a, s->urn);
	s->doc = doc;
	json_t *defs = json_object_get(doc, "attributes");
	if (!s->name || json_array_size(defs) == 0)
		return err_set(e, ERR_CONFIG, "schema %s needs \"name\" and a list of \"attributes\"", urn);
	json_object_del(json_object_get(doc, "meta"), "location");
	b->schema = s;
	b->prefix = extension ? arena_printf(b->a, "%s:", s->urn) : "";
	struct scim_attr *attrs;
	if (build_attrs(b, defs, NULL, s->urn, &attrs, &s->n_attrs, e))
		return -1;
	for (size_t i = 0; i < s->n_attrs; i++)
		attrs[i].at = b->at++;
	s->attrs = attrs;
	*schema_r = s;
	return 0;
}

int
scim_type_build(struct arena *a, const struct scim_type_spec *spec, const json_t *const *docs, size_t n_docs,
		scim_keep_fn keep, void *ctx, const struct scim_type **type_r, struct err *e)
{
	struct build b = {.a = a, .keep = keep, .ctx = ctx};
	struct scim_type *t = ARENA_NEW(a, struct scim_type);
	const struct scim_schema **ext = ARENA_ARRAY(a, spec->n_extensions + 1, const struct scim_schema *);
	t->name = arena_strdup(a, spec->name);
	t->endpoint = arena_strdup(a, spec->endpoint);
	t->description = arena_strdup(a, spec->description ? spec->description : "");
	t->extensions = ext;
	t->common = common_attrs;
	t->n_common = !keep || keep(ctx, "externalId") ? COMMON_N : COMMON_EXTERNAL_ID;
	b.at = t->n_common;
	if (build_schema(&b, spec->core_urn, false, docs, n_docs, &t->core, e))
		return -1;
	for (size_t i = 0; i < spec->n_extensions; i++) {
		const struct scim_schema *s = NULL;
		if (build_schema(&b, spec->extension_urns[i], true, docs, n_docs, &s, e))
			return -1;
		if (scim_type_schema(t, strv_of(s->urn)))
			return err_set(e, ERR_CONFIG, "resource type %s: schema %s is listed twice", t->name, s->urn);
		if (s->n_attrs > 0)
			ext[t->n_extensions++] = s;
	}
	t->shown = scim_project_table(a, t, NULL);
	*type_r = t;
	return 0;
}

const struct scim_schema *
scim_type_schema(const struct scim_type *t, struct strv urn)
{
	if (strv_caseeq(strv_of(t->core->urn), urn))
		return t->core;
	for (size_t i = 0; i < t->n_extensions; i++)
		if (strv_caseeq(strv_of(t->extensions[i]->urn), urn))
			return t->extensions[i];
	return NULL;
}

const struct scim_attr *
scim_type_attr(const struct scim_type *t, struct strv urn, struct strv name)
{
	const struct scim_schema *s = urn.n ? scim_type_schema(t, urn) : t->core;
	if (!s)
		return NULL;
	/* RFC 7644 3.10: the common attributes belong to no schema; the core URN in front of them does no harm. */
	const struct scim_attr *attr = s == t->core ? find_attr(t->common, t->n_common, name) : NULL;
	return attr ? attr : find_attr(s->attrs, s->n_attrs, name);
}

const struct scim_attr *
scim_attr_sub(const struct scim_attr *attr, struct strv name)
{
	return find_attr(attr->subs, attr->n_subs, name);
}

/* True if urn stands in front of text and ends at its end, at ':' or at '.'. */
static bool
urn_leads(const char *urn, struct strv text)
{
	size_t n = strlen(urn);
	return strv_casestarts(text, strv_n(urn, n)) && (text.n == n || text.p[n] == ':' || text.p[n] == '.');
}

void
scim_split_urn(const struct scim_type *t, struct strv text, struct strv *urn_r, struct strv *rest_r)
{
	size_t best = urn_leads(t->core->urn, text) ? strlen(t->core->urn) : 0;
	for (size_t i = 0; i < t->n_extensions; i++) {
		size_t n = strlen(t->extensions[i]->urn);
		if (n > best && urn_leads(t->extensions[i]->urn, text))
			best = n;
	}
	size_t skip = best > 0 && best < text.n && text.p[best] == ':' ? best + 1 : best;
	*urn_r = strv_n(text.p, best);
	*rest_r = strv_n(text.p + skip, text.n - skip);
}

bool
scim_attr_in_extension(const struct scim_type *t, const struct scim_attr *attr)
{
	return attr->schema && attr->schema != t->core;
}

const char *
scim_kind_name(enum scim_kind kind)
{
	return kind_names[kind];
}
