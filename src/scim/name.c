/* SPDX-License-Identifier: Apache-2.0
 * Attribute names to attributes. */
#include "name.h"

#include "scim/normal.h"

int
scim_name_check(struct scim_lex_word w, enum err_code code, struct err *e)
{
	if (w.text.n == 0)
		return err_at(e, w.offset, code, "expected an attribute name");
	/* RFC 7643 2.1: a name begins with a letter; "$ref" is the one exception (standards S2). */
	char c = w.text.p[0];
	if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && c != '$')
		return err_at(e, w.offset, code, "an attribute name begins with a letter");
	return 0;
}

/* RFC 7644 3.10: clients should write the URN in front of an extension's attribute, and need not: Entra asks for
 * "manager" (wire-cases A6). What a PATCH changes is to be named without doubt, or tolerated (C11). */
static const struct scim_attr *
find_without_urn(struct scim_ctx *c, struct strv name, struct strv whole, enum err_code code)
{
	const struct scim_attr *found = scim_attr_bare(c->type, name);
	if (found && code == ERR_PATH &&
	    !scim_tolerates(c, SCIM_TOL_UNKNOWN_URN, arena_strndup(c->a, whole.p, whole.n)))
		return NULL;
	return found;
}

static int
unknown(struct strv name, size_t offset, enum err_code code, struct err *e)
{
	(void)err_at(e, offset, code, "there is no attribute \"%.*s\"", NAME_SHOWN(name));
	return 0;
}

int
scim_name_resolve(struct scim_ctx *c, struct scim_lex_word w, enum err_code code, struct scim_name *name_r,
		  struct err *e)
{
	struct strv urn, rest;
	if (scim_name_check(w, code, e))
		return -1;
	scim_split_urn(c->type, w.text, &urn, &rest);
	uint32_t at = w.offset + (uint32_t)(w.text.n - rest.n);
	if (urn.n && strv_starts(rest, STRV("."))) {
		if (!scim_tolerates(c, SCIM_TOL_URN_DOT, arena_strndup(c->a, w.text.p, w.text.n)))
			return err_at(e, at, code, "expected ':' between the schema URN and the attribute");
		rest = strv_n(rest.p + 1, rest.n - 1);
		at++;
	}
	if (urn.n == w.text.n) {
		const struct scim_schema *s = scim_type_schema(c->type, urn);
		if (s == c->type->core)
			return err_at(e, w.offset, code, "expected an attribute behind the schema URN");
		*name_r = (struct scim_name){.extension = s};
		return 1;
	}
	size_t dot = strv_chr(rest, '.');
	struct strv first = strv_n(rest.p, dot);
	if (first.n == 0)
		return err_at(e, at, code, "expected an attribute name");
	const struct scim_attr *attr = scim_type_attr(c->type, urn, first);
	if (!attr && urn.n == 0)
		attr = find_without_urn(c, first, w.text, code);
	if (!attr)
		return unknown(urn.n ? first : w.text, at, code, e);
	struct scim_name found = {.ref = {.attr = attr}};
	if (dot < rest.n) {
		struct strv sub = strv_n(rest.p + dot + 1, rest.n - dot - 1);
		if (sub.n == 0)
			return err_at(e, at + dot + 1, code, "expected a sub-attribute name");
		found.ref.sub = scim_attr_sub(attr, sub);
		if (!found.ref.sub)
			return unknown(rest, at + dot + 1, code, e);
	}
	*name_r = found;
	return 1;
}
