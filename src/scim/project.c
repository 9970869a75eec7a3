/* SPDX-License-Identifier: Apache-2.0
 * Which attributes an answer holds: attributes, excludedAttributes and the returned characteristic. */
#include "dirhinge/scim/project.h"
#include "scim/normal.h"

struct named {
	const struct scim_schema *schema; /* a whole extension; attr is NULL then */
	const struct scim_attr *attr;     /* top level */
	const struct scim_attr *sub;      /* NULL: the whole attribute */
};

struct scim_project {
	bool only;                  /* attributes=, else excludedAttributes= */
	const unsigned char *shown; /* enum scim_shown by the attribute's number */
	size_t n;
	struct named v[SCIM_PROJECT_MAX];
};

/* RFC 7644 3.10: [URN:]attr[.sub], or the URN of an extension alone. Clients should write the URN, and need not. */
static bool
parse_name(struct scim_ctx *c, struct strv text, struct named *named_r)
{
	struct strv urn, rest;
	struct named nm = {0};

	scim_split_urn(c->type, text, &urn, &rest);
	if (urn.n > 0 && rest.n == 0) {
		nm.schema = scim_type_schema(c->type, urn);
		*named_r = nm;
		return nm.schema != NULL;
	}
	if (rest.n > 1 && rest.p[0] == '.' && urn.n > 0)
		rest = strv_n(rest.p + 1, rest.n - 1);
	size_t dot = strv_chr(rest, '.');
	struct strv name = strv_n(rest.p, dot);
	nm.attr = urn.n > 0 ? scim_type_attr(c->type, urn, name) : scim_attr_bare(c->type, name);
	if (!nm.attr)
		return false;
	if (dot < rest.n) {
		nm.sub = scim_attr_sub(nm.attr, strv_n(rest.p + dot + 1, rest.n - dot - 1));
		if (!nm.sub)
			return false;
	}
	*named_r = nm;
	return true;
}

int
scim_project_parse(struct scim_ctx *c, const char *attributes, const char *excluded, const struct scim_project **p_r,
		   struct err *e)
{
	struct scim_project *p = ARENA_NEW(c->a, struct scim_project);
	struct strv rest = strv_of(attributes ? attributes : excluded);
	size_t names = 0;

	/* RFC 7644 3.9: the two exclude each other. */
	if (attributes && excluded)
		return err_set(e, ERR_VALUE, "attributes and excludedAttributes must not be given both");
	p->only = attributes != NULL;
	while (rest.n > 0) {
		size_t comma = strv_chr(rest, ',');
		struct strv name = strv_trim(strv_n(rest.p, comma));
		rest = comma < rest.n ? strv_n(rest.p + comma + 1, rest.n - comma - 1) : strv_n(rest.p, 0);
		if (name.n == 0)
			continue;
		if (++names > SCIM_PROJECT_MAX)
			return err_set(e, ERR_VALUE, "%s: more than %d names",
				       p->only ? "attributes" : "excludedAttributes", SCIM_PROJECT_MAX);
		if (parse_name(c, name, &p->v[p->n]))
			p->n++;
		else
			(void)scim_tolerates(c, SCIM_TOL_UNKNOWN_ATTR, arena_strndup(c->a, name.p, name.n));
	}
	if (names == 0)
		p->only = false;
	p->shown = scim_project_given(p) ? scim_project_table(c->a, c->type, p) : c->type->shown;
	*p_r = p;
	return 0;
}

bool
scim_project_given(const struct scim_project *p)
{
	return p && (p->only || p->n > 0);
}

/* attr is named itself, as part of a named whole, or (parts) by one of its sub-attributes. */
static bool
covers(const struct named *nm, const struct scim_attr *attr, bool parts)
{
	if (nm->schema)
		return attr->schema == nm->schema;
	if (attr->parent)
		return nm->attr == attr->parent && (!nm->sub || nm->sub == attr);
	return nm->attr == attr && (!nm->sub || parts);
}

static bool
named(const struct scim_project *p, const struct scim_attr *attr, bool parts)
{
	for (size_t i = 0; i < p->n; i++)
		if (covers(&p->v[i], attr, parts))
			return true;
	return false;
}

bool
scim_project_named(const struct scim_project *p, const struct scim_attr *attr)
{
	return p && p->only && named(p, attr, true);
}

bool
scim_project_wants(const struct scim_project *p, const struct scim_attr *attr)
{
	/* RFC 7643 7, "returned"; RFC 7644 3.9: always wins over both lists, never over everything. */
	switch (attr->returned) {
	case SCIM_RETURNED_NEVER:
		return false;
	case SCIM_RETURNED_ALWAYS:
		return true;
	case SCIM_RETURNED_REQUEST:
		return scim_project_named(p, attr);
	case SCIM_RETURNED_DEFAULT:
		break;
	}
	if (!p)
		return true;
	if (p->only)
		return named(p, attr, true);
	return !named(p, attr, false);
}

static bool
names_sub(const struct scim_project *p, const struct scim_attr *sub)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].sub == sub)
			return true;
	return false;
}

/* What is always returned is whole, unless its parts are named themselves. */
static bool
wants_sub(const struct scim_project *p, const struct scim_attr *attr, const struct scim_attr *sub)
{
	bool by_list = p && (p->only ? named(p, attr, true) : names_sub(p, sub));

	if (attr->returned == SCIM_RETURNED_ALWAYS && !by_list)
		return scim_project_wants(NULL, sub);
	return scim_project_wants(p, sub);
}

static bool
wants_whole(const struct scim_project *p, const struct scim_attr *attr)
{
	for (size_t i = 0; i < attr->n_subs; i++)
		if (!wants_sub(p, attr, &attr->subs[i]))
			return false;
	return true;
}

/* The client names it, a part of it, or the extension it is in. */
static bool
mentions(const struct scim_project *p, const struct scim_attr *attr)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].schema ? p->v[i].schema == attr->schema : p->v[i].attr == attr)
			return true;
	return false;
}

/* What is not mentioned is shown as without a list; beside a list of attributes only if it always is. */
const unsigned char *
scim_project_table(struct arena *a, const struct scim_type *t, const struct scim_project *p)
{
	const struct scim_attr *attr;
	size_t n = 0;

	while (scim_type_at(t, n))
		n++;
	unsigned char *shown = ARENA_ARRAY(a, n, unsigned char);
	for (size_t i = 0; (attr = scim_type_at(t, i)) != NULL; i++) {
		must(attr->at == i);
		if (p && !mentions(p, attr))
			shown[i] = !p->only || attr->returned == SCIM_RETURNED_ALWAYS ? t->shown[i] : SCIM_SHOWN_NOT;
		else if (scim_project_wants(p, attr))
			shown[i] = wants_whole(p, attr) ? SCIM_SHOWN_WHOLE : SCIM_SHOWN_PARTS;
	}
	return shown;
}

enum scim_shown
scim_project_shows(const struct scim_project *p, const struct scim_attr *attr)
{
	return (enum scim_shown)p->shown[attr->at];
}

bool
scim_project_shows_sub(const struct scim_project *p, const struct scim_attr *attr, const struct scim_attr *sub)
{
	return wants_sub(p, attr, sub);
}
