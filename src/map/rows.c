/* SPDX-License-Identifier: Apache-2.0
 * Map files (schema/map/NAME.yaml and the operator's) to rows that are checked against schema and codecs. */
#include "dirhinge/base/yaml.h"
#include "map/derive.h"
#include "map/typed.h"

#define ROWS_MAX 500

/* --- T-04: what no map may name ---------------------------------------------------------------------------------- */

/* reliability.md T-04: attributes that grant power or are the server's own. A name ending in * is a prefix. */
static const char *const denied[] = {
	"objectClass",
	"userPassword",
	"authPassword",
	"unicodePwd",
	"dBCSPwd",
	"lmPwdHistory",
	"ntPwdHistory",
	"pwd*",
	"memberOf",
	"isMemberOf",
	"member",
	"uniqueMember",
	"memberUid",
	"memberURL",
	"uidNumber",
	"gidNumber",
	"homeDirectory",
	"loginShell",
	"shadow*",
	"sudo*",
	"sshPublicKey",
	"krb*",
	"samba*",
	"ipa*",
	"msDS-*",
	"servicePrincipalName",
	"userAccountControl",
	"primaryGroupID",
	"sIDHistory",
	"objectSid",
	"objectGUID",
	"adminCount",
	"nTSecurityDescriptor",
	"groupType",
	"aci",
	"OpenLDAPaci",
	"olc*",
	"authzTo",
	"authzFrom",
	"saslAuthzTo",
	"saslAuthzFrom",
	"entry",
	"entryDN",
	"entryUUID",
	"entryCSN",
	"createTimestamp",
	"modifyTimestamp",
	"creatorsName",
	"modifiersName",
	"structuralObjectClass",
	"subschemaSubentry",
	"ref",
	"nsAccountLock",
	"nsRole*",
	"nsUniqueId",
	"dirhingeActive",
	"dirhingeSynthetic",
	"dirhingeDeleted",
};

bool
map_denied(struct strv ldap_attr)
{
	/* Made for whatever an organisation likes, and nothing else. */
	if (strv_casestarts(ldap_attr, STRV("msDS-cloudExtensionAttribute")))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(denied); i++) {
		struct strv d = strv_of(denied[i]);
		bool prefix = d.p[d.n - 1] == '*';
		if (prefix ? strv_casestarts(ldap_attr, strv_n(d.p, d.n - 1)) : strv_caseeq(ldap_attr, d))
			return true;
	}
	return false;
}

struct strv
map_attr_base(const char *ldap)
{
	struct strv s = strv_of(ldap);
	return strv_n(s.p, strv_chr(s, ';'));
}

/* --- one row ----------------------------------------------------------------------------------------------------- */

struct parse {
	struct arena *a;
	const struct yaml *doc, *builtin;
	const struct scim_type *type;
	const struct map_type_opts *opts;
	bool overrides;
	struct map_rows *rows;
};

static const char *
row_string(const json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));
	return s && *s ? s : NULL;
}

/* A name, not an OID: the deny list goes by names. */
static bool
ldap_name_valid(const char *s)
{
	bool first = true;
	for (; *s; s++) {
		bool alpha = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
		bool more = (*s >= '0' && *s <= '9') || *s == '-';
		if (*s == ';') {
			if (first)
				return false;
			first = true;
			continue;
		}
		if (!alpha && (first || !more))
			return false;
		first = false;
	}
	return !first;
}

static const char *
nearest_path(const struct scim_type *t, struct strv name)
{
	const char *names[128];
	size_t n = 0;
	for (size_t i = 0; i < t->core->n_attrs && n < ARRAY_SIZE(names); i++)
		names[n++] = t->core->attrs[i].name;
	char buf[64];
	size_t len = name.n < sizeof(buf) - 1 ? name.n : sizeof(buf) - 1;
	memcpy(buf, name.p, len);
	buf[len] = 0;
	return str_nearest(buf, names, n);
}

/* "emails[work]", "addresses[work].locality", "name.givenName", "URN:manager" */
static int
resolve_path(const struct parse *p, const char *path, struct map_row *row, struct err *e)
{
	struct strv urn, rest;
	scim_split_urn(p->type, strv_of(path), &urn, &rest);
	size_t open = strv_chr(rest, '['), dot = strv_chr(rest, '.');
	if (open > dot)
		open = rest.n;
	struct strv name = strv_n(rest.p, open < dot ? open : dot), sub = STRV("");
	if (open < rest.n) {
		struct strv in = strv_n(rest.p + open + 1, rest.n - open - 1);
		size_t close = strv_chr(in, ']');
		if (close == in.n)
			return yaml_err(p->doc, row->line, e, "%s: ']' is missing", path);
		row->slot = true;
		row->type = close ? arena_strndup(p->a, in.p, close) : NULL;
		sub = strv_n(in.p + close + 1, in.n - close - 1);
		if (sub.n && sub.p[0] != '.')
			return yaml_err(p->doc, row->line, e, "%s: a dot is needed behind ']'", path);
	} else if (dot < rest.n) {
		sub = strv_n(rest.p + dot, rest.n - dot);
	}
	row->attr = scim_type_attr(p->type, urn, name);
	if (!row->attr) {
		const char *near = nearest_path(p->type, name);
		return yaml_err(p->doc, row->line, e, "%s is not an attribute of %s%s%s%s", path, p->type->name,
				near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
	row->leaf = row->attr;
	if (sub.n || row->slot) {
		struct strv leaf = sub.n ? strv_n(sub.p + 1, sub.n - 1) : STRV("value");
		row->leaf = scim_attr_sub(row->attr, leaf);
		if (!row->leaf)
			return yaml_err(p->doc, row->line, e, "%s: %s has no sub-attribute %.*s", path, row->attr->path,
					(int)leaf.n, leaf.p);
	}
	return 0;
}

static int
resolve_codec(const struct parse *p, const char *text, struct map_row *row, struct err *e)
{
	struct strv s = strv_of(text ? text : map_typed_codec(row->leaf->kind));
	size_t colon = strv_chr(s, ':');
	const char *names[32];
	for (size_t i = 0; i < map_codecs_n; i++) {
		names[i] = map_codecs[i].name;
		if (strv_eq(strv_n(s.p, colon), strv_of(names[i])))
			row->codec = &map_codecs[i];
	}
	if (!row->codec) {
		const char *near = str_nearest(s.p, names, map_codecs_n);
		return yaml_err(p->doc, row->line, e, "codec %s does not exist%s%s%s", s.p,
				near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
	if (colon < s.n)
		row->arg = arena_strdup(p->a, s.p + colon + 1);
	if (row->codec->arg && (!row->arg || !*row->arg))
		return yaml_err(p->doc, row->line, e, "codec %s needs an argument: %s:%s", row->codec->name,
				row->codec->name, row->codec->arg);
	if (!row->codec->arg && row->arg)
		return yaml_err(p->doc, row->line, e, "codec %s takes no argument", row->codec->name);
	return 0;
}

/* Attributes with code of their own cannot be rows. */
static bool
has_own_code(const struct parse *p, const struct scim_attr *attr)
{
	static const char *const own[] = {"id", "meta", "schemas", "groups", "active", "password"};
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (str_eq(attr->name, own[i]) && !scim_attr_in_extension(p->type, attr))
			return true;
	return false;
}

static int
check_row(const struct parse *p, const struct map_row *row, struct err *e)
{
	const struct map_codec *c = row->codec;
	if (has_own_code(p, row->attr))
		return yaml_err(p->doc, row->line, e, "%s cannot be mapped by a row", row->attr->path);
	if (!(c->kinds & 1u << row->leaf->kind))
		return yaml_err(p->doc, row->line, e, "codec %s does not fit %s", c->name, row->leaf->path);
	if (c->role == ROW_ELEMENT && !row->attr->multi)
		return yaml_err(p->doc, row->line, e, "codec element needs a multi-valued attribute, %s is none",
				row->attr->path);
	if (row->slot && (c->role != ROW_VALUE || !row->attr->multi))
		return yaml_err(p->doc, row->line, e, "%s: only a multi-valued attribute has slots", row->path);
	if (c->role == ROW_VALUE && row->attr->multi && row->made_text)
		return yaml_err(p->doc, row->line, e, "%s: made_from needs an attribute of one value", row->path);
	if (c->role == ROW_VALUE && row->attr->multi && !row->slot && row->leaf != row->attr)
		return yaml_err(p->doc, row->line, e, "%s: name the slot, as in %s[work]", row->path, row->attr->name);
	bool manager = str_eq(row->attr->path, SCIM_URN_ENTERPRISE ":manager"),
	     members = str_eq(row->attr->path, "members");
	if ((c->role == ROW_DN || c->role == ROW_UNRESOLVED) != manager || (c->role == ROW_MEMBER) != members ||
	    (c->role == ROW_CLIENT) != str_eq(row->attr->path, "externalId"))
		return yaml_err(p->doc, row->line, e, "codec %s does not fit %s", c->name, row->path);
	if (c->role != ROW_MEMBER && map_denied(map_attr_base(row->ldap)))
		return yaml_err(p->doc, row->line, e,
				"%s must not be mapped: it is on the list of attributes that "
				"grant power or belong to the server",
				row->ldap);
	return 0;
}

static int
read_flag(const struct parse *p, const json_t *node, struct map_row *row, struct err *e)
{
	const char *s = row_string(node, "untyped");
	if (s && !str_eq(s, "yes") && !str_eq(s, "no"))
		return yaml_err(p->doc, row->line, e, "untyped is yes or no");
	row->untyped = s && str_eq(s, "yes");
	if (row->untyped && !row->slot)
		return yaml_err(p->doc, row->line, e, "%s: only a slot can take elements without type", row->path);
	if (row->slot && !row->type && !row->untyped)
		return yaml_err(p->doc, row->line, e, "%s: a slot without type needs untyped: yes", row->path);
	return 0;
}

/* --- the list ---------------------------------------------------------------------------------------------------- */

/* One path may have a row of values and one for what that cannot hold. */
static bool
same_place(const struct map_row *x, const struct map_row *y)
{
	return str_caseeq(x->path, y->path) && (x->codec->role == ROW_UNRESOLVED) == (y->codec->role == ROW_UNRESOLVED);
}

static int
put_row(const struct parse *p, struct map_row *row, struct err *e)
{
	struct map_rows *rows = p->rows;
	bool remove = str_eq(row->ldap, "none");
	for (size_t i = 0; i < rows->n; i++) {
		if (!same_place(rows->v[i], row))
			continue;
		if (rows->v[i]->overrides == p->overrides)
			return yaml_err(p->doc, row->line, e, "%s has a row already (line %u)", row->path,
					rows->v[i]->line);
		if (remove)
			memmove(&rows->v[i], &rows->v[i + 1], (--rows->n - i) * sizeof(struct map_row *));
		else
			rows->v[i] = row;
		return 0;
	}
	if (remove)
		return yaml_err(p->doc, row->line, e, "%s has no built-in row that could be taken away", row->path);
	if (rows->n == ROWS_MAX)
		return yaml_err(p->doc, row->line, e, "more than %d rows", ROWS_MAX);
	rows->v = ARENA_GROW(p->a, rows->v, rows->n, &rows->cap, 64);
	rows->v[rows->n++] = row;
	return 0;
}

static int
read_row(const struct parse *p, const json_t *node, struct err *e)
{
	static const char *const keys[] = {"scim", "ldap", "codec", "untyped", "made_from"};
	unsigned line = yaml_line(p->doc, node);
	if (!json_is_object(node))
		return yaml_err(p->doc, line, e, "a row is a mapping: { scim: title, ldap: title }");
	if (yaml_check_keys(p->doc, node, keys, ARRAY_SIZE(keys), e) < 0)
		return -1;
	const char *path = row_string(node, "scim"), *ldap = row_string(node, "ldap");
	if (!path || !ldap)
		return yaml_err(p->doc, line, e, "a row needs scim and ldap");
	struct map_row *row = ARENA_NEW(p->a, struct map_row);
	row->path = arena_strdup(p->a, path);
	row->ldap = arena_strdup(p->a, ldap);
	row->line = line;
	row->overrides = p->overrides;
	row->made_text = row_string(node, "made_from") ? arena_strdup(p->a, row_string(node, "made_from")) : NULL;
	if (resolve_path(p, row->path, row, e) < 0 || resolve_codec(p, row_string(node, "codec"), row, e) < 0)
		return -1;
	if (str_eq(ldap, "none"))
		return put_row(p, row, e);
	if (row->codec->role == ROW_MEMBER)
		row->ldap = p->opts->member_attribute;
	if (!ldap_name_valid(row->ldap))
		return yaml_err(p->doc, line, e, "\"%s\" is not the name of an LDAP attribute", ldap);
	if (read_flag(p, node, row, e) < 0 || check_row(p, row, e) < 0)
		return -1;
	return put_row(p, row, e);
}

static int
read_rows(const struct parse *p, const json_t *list, struct err *e)
{
	if (list && !json_is_array(list))
		return yaml_err(p->doc, yaml_line(p->doc, list), e, "rows is a list");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (read_row(p, json_array_get(list, i), e) < 0)
			return -1;
	return 0;
}

/* --- made_from --------------------------------------------------------------------------------------------------- */

/* A source stands above: that a value could be made from itself is impossible. */
static const struct map_row *
find_source(const struct map_rows *rows, const struct map_row *row, struct strv path)
{
	for (size_t i = 0; i < rows->n && rows->v[i] != row; i++)
		if (strv_caseeq(strv_of(rows->v[i]->path), path) && !rows->v[i]->slot && rows->v[i]->codec->text)
			return rows->v[i];
	return NULL;
}

static struct strv
cut(struct strv *rest, char c)
{
	size_t n = strv_chr(*rest, c);
	struct strv part = strv_n(rest->p, n);
	*rest = n < rest->n ? strv_n(rest->p + n + 1, rest->n - n - 1) : STRV("");
	return strv_trim(part);
}

static int
resolve_made(const struct parse *p, struct map_row *row, struct err *e)
{
	struct strv rest = strv_of(row->made_text);
	row->made = ARENA_ARRAY(p->a, rest.n + 2, const struct map_row **);
	size_t n = 0;
	while (rest.n) {
		struct strv alt = cut(&rest, '|');
		const struct map_row **list = ARENA_ARRAY(p->a, alt.n + 2, const struct map_row *);
		size_t k = 0;
		while (alt.n) {
			struct strv path = cut(&alt, ' ');
			if (path.n == 0)
				continue;
			const struct map_row *source = find_source(p->rows, row, path);
			if (!source)
				return yaml_err(row->overrides ? p->doc : p->builtin, row->line, e,
						"made_from: %.*s is not a row with codec string above this one",
						(int)path.n, path.p);
			list[k++] = source;
		}
		if (k)
			row->made[n++] = list;
	}
	return 0;
}

/* --- files ------------------------------------------------------------------------------------------------------- */

/* A map that extends another has its rows instead of those of the same path. */
static int
read_builtin(struct parse *p, const char *family, bool users, struct err *e)
{
	static const char *const tops[] = {"extends", "user", "group"};
	static const char *const keys[] = {"class", "marks", "not_class", "rows", "derived"};
	struct strv text;
	struct yaml *doc;
	const char *name = arena_printf(p->a, "schema/map/%s.yaml", family);
	if (!map_asset(name, &text))
		return err_set(e, ERR_CONFIG, "there is no built-in map for %s", family);
	if (yaml_parse(p->a, name, text, &doc, e) < 0 ||
	    yaml_check_keys(doc, yaml_root(doc), tops, ARRAY_SIZE(tops), e) < 0)
		return -1;
	const char *base = row_string(yaml_root(doc), "extends");
	if (base && read_builtin(p, base, users, e) < 0)
		return -1;
	const json_t *part = json_object_get(yaml_root(doc), users ? "user" : "group");
	if (!part && base)
		return 0;
	if (yaml_check_keys(doc, part, keys, ARRAY_SIZE(keys), e) < 0 ||
	    map_derived_load(p->a, doc, json_object_get(part, "derived"), p->rows, e) < 0)
		return -1;
	p->doc = p->builtin = doc;
	p->overrides = base != NULL;
	p->rows->aux_class = row_string(part, "class") ? row_string(part, "class") : p->rows->aux_class;
	p->rows->marks = row_string(part, "marks") ? row_string(part, "marks") : p->rows->marks;
	p->rows->not_class = row_string(part, "not_class");
	return read_rows(p, json_object_get(part, "rows"), e);
}

static int
read_override(struct parse *p, struct err *e)
{
	static const char *const keys[] = {"schemas", "rows"}; /* schemas.c */
	struct yaml *doc;
	const char *name = p->opts->override_name ? p->opts->override_name : "map";
	if (yaml_parse(p->a, name, strv_of(p->opts->override_text), &doc, e) < 0 ||
	    yaml_check_keys(doc, yaml_root(doc), keys, ARRAY_SIZE(keys), e) < 0)
		return -1;
	p->doc = doc;
	p->overrides = true;
	return read_rows(p, json_object_get(yaml_root(doc), "rows"), e);
}

int
map_rows_load(struct arena *a, const char *family, bool users, const struct map_type_opts *opts,
	      const struct scim_type *full, struct map_rows *rows_r, struct err *e)
{
	struct map_rows rows = {0};
	struct parse p = {.a = a, .type = full, .opts = opts, .rows = &rows};
	if (read_builtin(&p, family, users, e) < 0 || (opts->override_text && read_override(&p, e) < 0))
		return -1;
	for (size_t i = 0; i < rows.n; i++)
		if (rows.v[i]->made_text && resolve_made(&p, rows.v[i], e) < 0)
			return -1;
	*rows_r = rows;
	return 0;
}
