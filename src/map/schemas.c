/* SPDX-License-Identifier: Apache-2.0
 * Extensions that the operator's map file defines ("schemas") as the documents of RFC 7643 7. */
#include "map/schemas.h"

#include "dirhinge/base/buf.h"
#include "dirhinge/base/yaml.h"

#define SCHEMAS_MAX 16
#define ATTRS_MAX   200
#define URN_MAX     200
#define NAME_BYTES  64

struct read {
	struct arena *a;
	const struct yaml *doc;
	struct map_schemas *out;
};

static const char *
text_of(const json_t *node, const char *key)
{
	const char *s = json_string_value(json_object_get(node, key));
	return s && *s ? s : NULL;
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_alnum(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9');
}

/* --- the URN ----------------------------------------------------------------------------------------------------- */

/* RFC 8141 2: "urn:" NID ":" NSS. Of what an NSS may hold only that which needs no quoting in paths, filters and lists
 * of attributes (RFC 7643 10.2.1 uses no more). */
static bool
urn_valid(const char *s)
{
	if (strlen(s) > URN_MAX || !strv_casestarts(strv_of(s), STRV("urn:")))
		return false;
	size_t nid = strcspn(s + 4, ":");
	const char *nss = s + 4 + nid;
	if (nid < 2 || nid > 32 || *nss++ != ':' || !is_alnum(*nss))
		return false;
	for (size_t i = 0; i < nid; i++)
		if (!is_alnum(s[4 + i]) && (s[4 + i] != '-' || i == 0 || i == nid - 1))
			return false;
	for (; *nss; nss++)
		if (!is_alnum(*nss) && (!strchr("-._:", *nss) || !nss[1]))
			return false;
	return true;
}

/* The same, or one that a path could not tell from an attribute of a built-in schema: "…:core:2.0:User:title". */
static const char *
urn_taken(const struct read *r, const char *urn)
{
	static const char *const own[] = {SCIM_URN_USER, SCIM_URN_GROUP, SCIM_URN_ENTERPRISE};
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		size_t n = strlen(own[i]);
		if (strv_casestarts(strv_of(urn), strv_n(own[i], n)) && (!urn[n] || urn[n] == ':' || urn[n] == '.'))
			return own[i];
	}
	for (size_t i = 0; i < r->out->n; i++)
		if (str_caseeq(r->out->urns[i], urn))
			return r->out->urns[i];
	return NULL;
}

/* --- attributes -------------------------------------------------------------------------------------------------- */

/* RFC 7643 2.1 */
static bool
name_valid(const char *s)
{
	if (!is_alpha(*s) || strlen(s) > NAME_BYTES)
		return false;
	for (; *s; s++)
		if (!is_alnum(*s) && *s != '-' && *s != '_')
			return false;
	return true;
}

/* A word of RFC 7643 7; the first one is the default. types: those that a codec can hold in one LDAP attribute. */
static const struct word {
	const char *key;
	const char *values[8];
} words[] = {
	{"type", {"string", "boolean", "decimal", "integer", "dateTime", "reference", "binary"}},
	{"mutability", {"readWrite", "readOnly", "immutable", "writeOnly"}},
	{"returned", {"default", "always", "never", "request"}},
	{"uniqueness", {"none", "server", "global"}},
};

static int
put_word(const struct read *r, const json_t *node, const struct word *w, json_t *def, struct err *e)
{
	const char *value = text_of(node, w->key);
	size_t n = 0;
	if (!json_object_get(node, w->key))
		value = w->values[0];
	for (; w->values[n]; n++)
		if (str_eq(value, w->values[n])) {
			json_object_set_new(def, w->key, json_string(value));
			return 0;
		}
	DH_CLEANUP(buf_done) struct buf known = BUF_INIT(200);
	for (size_t i = 0; i < n; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", w->values[i]);
	return yaml_err(r->doc, yaml_key_line(r->doc, node, w->key), e, "%s is one of %s", w->key, buf_str(&known));
}

static int
put_flag(const struct read *r, const json_t *node, const char *key, bool dflt, json_t *def, struct err *e)
{
	const char *value = text_of(node, key);
	bool yes = str_eq(value, "true") || str_eq(value, "yes"), no = str_eq(value, "false") || str_eq(value, "no");
	if (json_object_get(node, key) && !yes && !no)
		return yaml_err(r->doc, yaml_key_line(r->doc, node, key), e, "%s is true or false", key);
	json_object_set_new(def, key, json_boolean(yes || (!no && dflt)));
	return 0;
}

static bool
is_defined(const json_t *defs, const char *name)
{
	for (size_t i = 0; i < json_array_size(defs); i++)
		if (str_caseeq(json_string_value(json_object_get(json_array_get(defs, i), "name")), name))
			return true;
	return false;
}

static int
read_attribute(const struct read *r, const json_t *node, json_t *defs, struct err *e)
{
	static const char *const keys[] = {"name",      "type",       "description", "multiValued", "required",
					   "caseExact", "mutability", "returned",    "uniqueness"};
	unsigned line = yaml_line(r->doc, node);
	const char *name = text_of(node, "name");
	if (!json_is_object(node))
		return yaml_err(r->doc, line, e, "an attribute is a mapping: { name: badge }");
	if (yaml_check_keys(r->doc, node, keys, ARRAY_SIZE(keys), e) < 0)
		return -1;
	if (!name || !name_valid(name))
		return yaml_err(r->doc, line, e,
				"an attribute needs a name: a letter, then letters, digits, '-' and '_'");
	if (is_defined(defs, name))
		return yaml_err(r->doc, line, e, "the attribute %s is defined twice", name);
	json_t *def = json_pack("{s:s, s:s}", "name", name, "description",
				text_of(node, "description") ? text_of(node, "description") : name);
	json_array_append_new(defs, def);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (put_word(r, node, &words[i], def, e) < 0)
			return -1;
	const char *type = json_string_value(json_object_get(def, "type"));
	bool string = str_eq(type, "string"), text = string || str_eq(type, "reference") || str_eq(type, "binary");
	if (put_flag(r, node, "multiValued", false, def, e) < 0 || put_flag(r, node, "required", false, def, e) < 0)
		return -1;
	if (!text && json_object_get(node, "caseExact"))
		return yaml_err(r->doc, yaml_key_line(r->doc, node, "caseExact"), e,
				"%s: caseExact says nothing about type %s", name, type);
	if (text && put_flag(r, node, "caseExact", !string, def, e) < 0)
		return -1;
	/* RFC 7643 2.2: what can only be written is never returned. */
	if (str_eq(text_of(node, "mutability"), "writeOnly") && !str_eq(text_of(node, "returned"), "never"))
		return yaml_err(r->doc, line, e, "%s: writeOnly needs returned: never", name);
	/* RFC 7643 7: a reference says to what. */
	if (str_eq(type, "reference"))
		json_object_set_new(def, "referenceTypes", json_pack("[s]", "external"));
	return 0;
}

/* --- schemas ----------------------------------------------------------------------------------------------------- */

static int
read_schema(const struct read *r, const json_t *node, struct err *e)
{
	static const char *const keys[] = {"urn", "name", "description", "attributes"};
	unsigned line = yaml_line(r->doc, node);
	if (!json_is_object(node))
		return yaml_err(r->doc, line, e, "a schema is a mapping with urn, name and attributes");
	if (yaml_check_keys(r->doc, node, keys, ARRAY_SIZE(keys), e) < 0)
		return -1;
	const char *urn = text_of(node, "urn"), *name = text_of(node, "name"), *about = text_of(node, "description");
	const json_t *attrs = json_object_get(node, "attributes");
	if (!urn || !name || !json_is_array(attrs) || json_array_size(attrs) == 0)
		return yaml_err(r->doc, line, e, "a schema needs urn, name and a list of attributes");
	line = yaml_key_line(r->doc, node, "urn");
	if (!urn_valid(urn))
		return yaml_err(r->doc, line, e,
				"%.80s is not a URN that can be used: urn:NAMESPACE:NAME, with letters, digits, '-', "
				"'.', '_' and ':'",
				urn);
	const char *taken = urn_taken(r, urn);
	if (taken)
		return yaml_err(r->doc, line, e, "%s collides with the schema %s", urn, taken);
	if (json_array_size(attrs) > ATTRS_MAX)
		return yaml_err(r->doc, line, e, "more than %d attributes", ATTRS_MAX);
	json_t *defs = json_array();
	r->out->docs[r->out->n] = json_keep(r->a, json_pack("{s:[s], s:s, s:s, s:s, s:o, s:{s:s}}", "schemas",
							    "urn:ietf:params:scim:schemas:core:2.0:Schema", "id", urn,
							    "name", name, "description", about ? about : name,
							    "attributes", defs, "meta", "resourceType", "Schema"));
	r->out->urns[r->out->n++] = arena_strdup(r->a, urn);
	for (size_t i = 0; i < json_array_size(attrs); i++)
		if (read_attribute(r, json_array_get(attrs, i), defs, e) < 0)
			return -1;
	return 0;
}

int
map_schemas_load(struct arena *a, const struct map_type_opts *opts, struct map_schemas *schemas_r, struct err *e)
{
	struct map_schemas out = {0};
	struct read r = {.a = a, .out = &out};
	struct yaml *doc;
	const char *name = opts->override_name ? opts->override_name : "map";
	if (!opts->override_text) {
		*schemas_r = out;
		return 0;
	}
	if (yaml_parse(a, name, strv_of(opts->override_text), &doc, e) < 0)
		return -1;
	const json_t *list = json_object_get(yaml_root(doc), "schemas");
	size_t n = json_array_size(list);
	r.doc = doc;
	if (list && !json_is_array(list))
		return yaml_err(doc, yaml_line(doc, list), e, "schemas is a list");
	if (n > SCHEMAS_MAX)
		return yaml_err(doc, yaml_line(doc, list), e, "more than %d schemas", SCHEMAS_MAX);
	out.docs = ARENA_ARRAY(a, n + 1, const json_t *);
	out.urns = ARENA_ARRAY(a, n + 1, const char *);
	for (size_t i = 0; i < n; i++)
		if (read_schema(&r, json_array_get(list, i), e) < 0)
			return -1;
	*schemas_r = out;
	return 0;
}
