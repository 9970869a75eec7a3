/* SPDX-License-Identifier: Apache-2.0
 * The directory's schema: attribute types and object classes parsed by libldap, with inheritance resolved on reading.
 */
#include <ldap.h>
#include <ldap_schema.h>

#include "dirhinge/base/strmap.h"
#include "dirhinge/dir/flavour.h"

/* A chain of superiors longer than this is a loop in a broken schema. */
#define SUP_MAX 32

struct attr_def {
	struct dir_attr_type type;
	const char *sup, *ordering, *substring;
};

struct class_def {
	const char *const *names; /* all counted lists: NULL-terminated */
	const char *const *sups;
	const char *const *must, *const *may;
	struct class_def *rule; /* RFC 4512 4.1.6: what the content rule of a structural class adds; NULL = none */
};

struct dir_subschema {
	struct strmap *attrs;   /* name or OID -> struct attr_def */
	struct strmap *classes; /* name or OID -> struct class_def */
};

static void
attr_free(LDAPAttributeType **at)
{
	if (*at)
		ldap_attributetype_free(*at);
}

static void
class_free(LDAPObjectClass **oc)
{
	if (*oc)
		ldap_objectclass_free(*oc);
}

static void
rule_free(LDAPContentRule **cr)
{
	if (*cr)
		ldap_contentrule_free(*cr);
}

static const char *
dup(struct arena *a, const char *s)
{
	return s && *s ? arena_strdup(a, s) : "";
}

static const char *const *
dup_list(struct arena *a, char **list)
{
	size_t n = 0;

	while (list && list[n])
		n++;

	const char **copy = ARENA_ARRAY(a, n + 1, const char *);

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(a, list[i]);
	return copy;
}

static const struct attr_def *
find_attr(const struct dir_subschema *s, const char *name)
{
	struct strv n = strv_of(name);

	n.n = strv_chr(n, ';'); /* options are not part of the type */
	return strmap_get(s->attrs, n);
}

/* "surname" and "sn" are one attribute. */
static const char *
first_name(const struct dir_subschema *s, const char *attr)
{
	const struct attr_def *def = find_attr(s, attr);

	return def ? def->type.name : attr;
}

/* Attribute types, each by its first name. */
static const char *const *
dup_types(struct arena *a, const struct dir_subschema *s, char **list)
{
	size_t n = 0;

	while (list && list[n])
		n++;

	const char **copy = ARENA_ARRAY(a, n + 1, const char *);

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(a, first_name(s, list[i]));
	return copy;
}

/* Servers write schema of their own making (AD's, old products'): everything libldap can be lenient about is allowed.
 */
static int
parse_attr(struct arena *a, struct dir_subschema *s, struct strv text)
{
	int code;
	const char *where;
	DH_CLEANUP(attr_free)
	LDAPAttributeType *at = ldap_str2attributetype(text.p, &code, &where, LDAP_SCHEMA_ALLOW_ALL);

	if (at == NULL || at->at_oid == NULL)
		return -1;

	struct attr_def *def = ARENA_NEW(a, struct attr_def);
	bool named = at->at_names && at->at_names[0];

	*def = (struct attr_def){
		.type = {.name = dup(a, named ? at->at_names[0] : at->at_oid),
			 .oid = dup(a, at->at_oid),
			 .single = at->at_single_value,
			 .no_user_mod = at->at_no_user_mod,
			 .equality = dup(a, at->at_equality_oid),
			 .syntax = dup(a, at->at_syntax_oid)},
		.sup = dup(a, at->at_sup_oid),
		.ordering = dup(a, at->at_ordering_oid),
		.substring = dup(a, at->at_substr_oid),
	};
	strmap_put(s->attrs, strv_of(def->type.oid), def);
	for (size_t i = 0; named && at->at_names[i]; i++)
		strmap_put(s->attrs, strv_of(at->at_names[i]), def);
	return 0;
}

static int
parse_class(struct arena *a, struct dir_subschema *s, struct strv text)
{
	int code;
	const char *where;
	DH_CLEANUP(class_free) LDAPObjectClass *oc = ldap_str2objectclass(text.p, &code, &where, LDAP_SCHEMA_ALLOW_ALL);

	if (oc == NULL || oc->oc_oid == NULL)
		return -1;

	struct class_def *def = ARENA_NEW(a, struct class_def);

	*def = (struct class_def){
		.names = dup_list(a, oc->oc_names),
		.sups = dup_list(a, oc->oc_sup_oids),
		.must = dup_types(a, s, oc->oc_at_oids_must),
		.may = dup_types(a, s, oc->oc_at_oids_may),
	};
	strmap_put(s->classes, strv_of(oc->oc_oid), def);
	for (size_t i = 0; def->names[i]; i++)
		strmap_put(s->classes, strv_of(def->names[i]), def);
	return 0;
}

/* RFC 4512 4.1.6: auxiliary classes and attributes of one structural class; AD puts much of user and group there. */
static void
parse_rule(struct arena *a, struct dir_subschema *s, struct strv text)
{
	int code;
	const char *where;
	DH_CLEANUP(rule_free) LDAPContentRule *cr = ldap_str2contentrule(text.p, &code, &where, LDAP_SCHEMA_ALLOW_ALL);
	struct class_def *of = cr && cr->cr_oid ? strmap_get(s->classes, strv_of(cr->cr_oid)) : NULL;

	if (of == NULL)
		return;
	of->rule = ARENA_NEW(a, struct class_def);
	*of->rule = (struct class_def){
		.names = dup_list(a, NULL),
		.sups = dup_list(a, cr->cr_oc_oids_aux),
		.must = dup_types(a, s, cr->cr_at_oids_must),
		.may = dup_types(a, s, cr->cr_at_oids_may),
	};
}

/* Rules that a syntax implies in a directory that names none ([MS-ADTS] 3.1.1.2.2.2.4). */
static void
imply(struct attr_def *def)
{
#define SYNTAX "1.3.6.1.4.1.1466.115.121.1."
	static const struct {
		const char *syntax, *equality, *ordering, *substring;
	} rows[] = {
		{SYNTAX "15", "caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseIgnoreSubstringsMatch"},
		{"1.2.840.113556.1.4.905", "caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseIgnoreSubstringsMatch"},
		{SYNTAX "26", "caseExactIA5Match", "", "caseExactSubstringsMatch"},
		{SYNTAX "44", "caseExactMatch", "", "caseExactSubstringsMatch"},
		{"1.2.840.113556.1.4.1362", "caseExactMatch", "", "caseExactSubstringsMatch"},
		{SYNTAX "36", "numericStringMatch", "", ""},
		{SYNTAX "27", "integerMatch", "integerOrderingMatch", ""},
		{"1.2.840.113556.1.4.906", "integerMatch", "integerOrderingMatch", ""},
		{SYNTAX "24", "generalizedTimeMatch", "generalizedTimeOrderingMatch", ""},
		{SYNTAX "53", "generalizedTimeMatch", "generalizedTimeOrderingMatch", ""},
		{SYNTAX "12", "distinguishedNameMatch", "", ""},
		{SYNTAX "38", "objectIdentifierMatch", "", ""},
		{SYNTAX "40", "octetStringMatch", "", ""},
		{SYNTAX "7", "booleanMatch", "", ""},
	};
#undef SYNTAX

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (str_eq(rows[i].syntax, def->type.syntax)) {
			def->type.equality = rows[i].equality;
			def->ordering = rows[i].ordering;
			def->substring = rows[i].substring;
		}
}

/* RFC 4512 2.5.1: a subtype takes the matching rules and the syntax of its superior unless it names its own. */
static void
inherit(const struct dir_subschema *s, struct attr_def *def)
{
	const struct attr_def *up = def;

	for (int i = 0; i < SUP_MAX && *up->sup; i++) {
		up = strmap_get(s->attrs, strv_of(up->sup));
		if (up == NULL)
			break;
		if (*def->type.equality == '\0')
			def->type.equality = up->type.equality;
		if (*def->type.syntax == '\0')
			def->type.syntax = up->type.syntax;
		if (*def->ordering == '\0')
			def->ordering = up->ordering;
		if (*def->substring == '\0')
			def->substring = up->substring;
	}
	def->type.has_equality = *def->type.equality != '\0';
	def->type.has_ordering = *def->ordering != '\0';
	def->type.has_substring = *def->substring != '\0';
}

static int
build(struct arena *a, const struct dir_entry *subschema, bool implied, const struct dir_subschema **s_r, struct err *e)
{
	const struct dir_attr *rules = dir_entry_attr(subschema, "dITContentRules");
	const struct dir_attr *types = dir_entry_attr(subschema, "attributeTypes");
	const struct dir_attr *classes = dir_entry_attr(subschema, "objectClasses");
	struct dir_subschema *s = ARENA_NEW(a, struct dir_subschema);
	struct strv key;
	void *def;

	s->attrs = strmap_new(a, true);
	s->classes = strmap_new(a, true);
	/* One definition that libldap cannot read is left out: it is then unknown, which every caller must handle. */
	for (size_t i = 0; types && i < types->n; i++)
		(void)parse_attr(a, s, types->values[i]);
	for (size_t i = 0; classes && i < classes->n; i++)
		(void)parse_class(a, s, classes->values[i]);
	if (strmap_count(s->attrs) == 0 || strmap_count(s->classes) == 0)
		return err_set(e, ERR_CONFIG,
			       "the directory's schema cannot be read; the gateway's account needs read access to the "
			       "subschema entry (attributeTypes, objectClasses)");
	for (size_t i = 0; rules && i < rules->n; i++)
		parse_rule(a, s, rules->values[i]);
	for (size_t i = 0; implied && strmap_at(s->attrs, i, &key, &def); i++)
		imply(def);
	for (size_t i = 0; strmap_at(s->attrs, i, &key, &def); i++)
		inherit(s, def);
	*s_r = s;
	return 0;
}

int
dir_subschema_build(struct arena *a, const struct dir_entry *subschema, const struct dir_subschema **s_r, struct err *e)
{
	return build(a, subschema, false, s_r, e);
}

int
dir_subschema_build_implied(struct arena *a, const struct dir_entry *subschema, const struct dir_subschema **s_r,
			    struct err *e)
{
	return build(a, subschema, true, s_r, e);
}

const struct dir_attr_type *
dir_subschema_attr(const struct dir_subschema *s, const char *name)
{
	const struct attr_def *def = find_attr(s, name);

	return def ? &def->type : NULL;
}

bool
dir_subschema_class(const struct dir_subschema *s, const char *name)
{
	return strmap_get(s->classes, strv_of(name)) != NULL;
}

/* name: the first one. */
static bool
listed(const char *const *list, const char *name)
{
	for (size_t i = 0; list[i]; i++)
		if (str_caseeq(list[i], name))
			return true;
	return false;
}

struct lineage {
	const struct class_def *v[SUP_MAX];
	size_t n;
};

static void
add_class(struct lineage *line, const struct class_def *def)
{
	for (size_t i = 0; i < line->n; i++)
		if (line->v[i] == def)
			return;
	if (def && line->n < SUP_MAX)
		line->v[line->n++] = def;
}

/* The class, what its content rule adds, and their superiors, nearest first; at most SUP_MAX. */
static void
find_lineage(const struct dir_subschema *s, const char *name, struct lineage *line)
{
	const struct class_def *def = strmap_get(s->classes, strv_of(name));

	line->n = 0;
	add_class(line, def);
	add_class(line, def ? def->rule : NULL);
	for (size_t i = 0; i < line->n; i++)
		for (size_t k = 0; line->v[i]->sups[k]; k++)
			add_class(line, strmap_get(s->classes, strv_of(line->v[i]->sups[k])));
}

bool
dir_subschema_must(const struct dir_subschema *s, const char *object_class, const char *attr)
{
	const char *name = first_name(s, attr);
	struct lineage line;

	find_lineage(s, object_class, &line);
	for (size_t i = 0; i < line.n; i++)
		if (listed(line.v[i]->must, name))
			return true;
	return false;
}

bool
dir_subschema_may(const struct dir_subschema *s, const char *object_class, const char *attr)
{
	const char *name = first_name(s, attr);
	struct lineage line;

	find_lineage(s, object_class, &line);
	/* What is required is allowed too; extensibleObject allows everything (RFC 4512 4.3). */
	if (str_caseeq(object_class, "extensibleObject"))
		return true;
	for (size_t i = 0; i < line.n; i++)
		if (listed(line.v[i]->may, name) || listed(line.v[i]->must, name))
			return true;
	return false;
}

size_t
dir_subschema_must_list(struct arena *a, const struct dir_subschema *s, const char *object_class,
			const char *const **names_r)
{
	struct lineage line;
	size_t n = 0, max = 0;

	find_lineage(s, object_class, &line);
	for (size_t i = 0; i < line.n; i++)
		for (size_t k = 0; line.v[i]->must[k]; k++)
			max++;

	const char **names = ARENA_ARRAY(a, max + 1, const char *);

	for (size_t i = 0; i < line.n; i++) {
		for (size_t k = 0; line.v[i]->must[k]; k++)
			if (!listed(names, line.v[i]->must[k]))
				names[n++] = line.v[i]->must[k];
	}
	*names_r = names;
	return n;
}
