/* SPDX-License-Identifier: Apache-2.0
 * The order of resources. A key keeps the order of the values it is made from under memcmp: text as the UTF-8 of its
 * folded characters (UTF-8 sorts by code point), numbers and instants as big-endian integers. */
#include "dirhinge/scim/sort.h"

#include "dirhinge/base/codec.h"
#include "dirhinge/scim/path.h"
#include "dirhinge/scim/resource.h"
#include "scim/normal.h"
#include "text.h"

static int
parse_order(const char *order, bool *descending_r, struct err *e)
{
	bool descending = str_caseeq(order, "descending");
	if (order && *order && !descending && !str_caseeq(order, "ascending"))
		return err_set(e, ERR_VALUE, "sortOrder is \"ascending\" or \"descending\"");
	*descending_r = descending;
	return 0;
}

/* The (sub-)attribute itself, or the "value" of a complex one. */
static int
settle(struct scim_sort *s, struct err *e)
{
	const struct scim_attr *leaf = s->sub ? s->sub : s->attr;
	if (leaf->kind == SCIM_COMPLEX) {
		s->sub = scim_attr_sub(leaf, STRV("value"));
		if (!s->sub)
			return err_set(e, ERR_VALUE, "sortBy: \"%s\" is complex: name one of its sub-attributes",
				       leaf->path);
		leaf = s->sub;
	}
	if (leaf->returned == SCIM_RETURNED_NEVER)
		return err_set(e, ERR_VALUE, "sortBy: \"%s\" is never shown and cannot sort", leaf->path);
	return 0;
}

/* RFC 7644 3.10: an extension's attribute may stand without its URN; the path parser is stricter (name.c). */
static const char *
qualify(struct scim_ctx *c, const struct scim_type *t, const char *by)
{
	const struct scim_attr *attr = scim_attr_bare(t, strv_n(by, strcspn(by, ".")));
	return attr && scim_attr_in_extension(t, attr) ? arena_printf(c->a, "%s:%s", attr->schema->urn, by) : by;
}

/* Unknown in one type is known perhaps in the other one. */
static int
parse_path(struct scim_ctx *c, const char *by, const struct scim_path **path_r, struct err *e)
{
	if (c->also) {
		struct scim_ctx own = *c, other = *c;
		own.tolerate &= ~(unsigned)SCIM_TOL_UNKNOWN_ATTR;
		if (scim_path_parse(&own, strv_of(qualify(c, c->type, by)), path_r, NULL) == 1)
			return 1;
		other.type = c->also;
		return scim_path_parse(&other, strv_of(qualify(c, c->also, by)), path_r, e);
	}
	return scim_path_parse(c, strv_of(qualify(c, c->type, by)), path_r, e);
}

int
scim_sort_parse(struct scim_ctx *c, const char *by, const char *order, struct scim_sort *s_r, struct err *e)
{
	struct scim_sort s = {0};
	const struct scim_path *path = NULL;
	if (parse_order(order, &s.descending, e))
		return -1;
	int rc = parse_path(c, by, &path, e);
	if (rc < 0 && e)
		e->code = ERR_VALUE; /* RFC 7644 table 9: invalidPath is about PATCH */
	if (rc < 1)
		return rc < 0 ? err_cause(e, "sortBy") : 0;
	if (path->filter || path->extension)
		return err_set(e, ERR_VALUE, "sortBy must name one attribute");
	s.attr = path->attr;
	s.sub = path->sub;
	if (settle(&s, e))
		return -1;
	*s_r = s;
	return 1;
}

const char *
scim_sort_path(const struct scim_sort *s)
{
	return s->sub ? s->sub->path : s->attr->path;
}

/* --- keys ------------------------------------------------------------------------------------------------------- */

static struct strv
number_key(struct arena *a, uint64_t ordered)
{
	char *p = arena_alloc(a, 8);
	for (int i = 0; i < 8; i++)
		p[i] = (char)(unsigned char)(ordered >> (56 - 8 * i));
	return strv_n(p, 8);
}

/* The bits of a double sort as an unsigned integer once negative ones are turned round. */
static uint64_t
order_double(double d)
{
	uint64_t bits;
	memcpy(&bits, &d, sizeof(bits));
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static size_t
put_utf8(uint32_t c, char *p)
{
	if (c < 0x80) {
		p[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (char)(0xC0 | c >> 6);
		p[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (char)(0xE0 | c >> 12);
		p[1] = (char)(0x80 | (c >> 6 & 63));
		p[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	p[0] = (char)(0xF0 | c >> 18);
	p[1] = (char)(0x80 | (c >> 12 & 63));
	p[2] = (char)(0x80 | (c >> 6 & 63));
	p[3] = (char)(0x80 | (c & 63));
	return 4;
}

static struct strv
text_key(struct arena *a, struct strv s, bool exact)
{
	/* A folded character may take up to twice the bytes of its original (and never more than 4). */
	char *p = arena_alloc(a, s.n * (exact ? 1 : 2) + 4);
	size_t n = 0;
	if (exact)
		return strv_n(memcpy(p, s.p, s.n), s.n);
	while (s.n > 0)
		n += put_utf8(scim_text_next(&s, false), p + n);
	return strv_n(p, n);
}

static struct strv
value_key(struct arena *a, const struct scim_attr *leaf, const json_t *v)
{
	int64_t us;
	if (json_is_string(v)) {
		struct strv s = strv_n(json_string_value(v), json_string_length(v));
		/* RFC 7644 3.4.2.3: dates in chronological order */
		if (leaf->kind == SCIM_DATETIME && time_from_rfc3339(s, &us, NULL) == 0)
			return number_key(a, (uint64_t)us ^ UINT64_C(1) << 63);
		return text_key(a, s, leaf->case_exact);
	}
	if (json_is_number(v))
		return number_key(a, order_double(json_number_value(v)));
	if (json_is_boolean(v))
		return number_key(a, json_is_true(v));
	return (struct strv){0};
}

/* RFC 7644 3.4.2.3: the primary value if there is one, else the first one. */
static const json_t *
element_of(const json_t *list)
{
	size_t i;
	json_t *el;
	json_array_foreach (list, i, el)
		if (json_is_true(json_object_get(el, "primary")))
			return el;
	return json_array_get(list, 0);
}

struct strv
scim_sort_key(struct arena *a, const struct scim_type *t, const struct scim_sort *s, const json_t *res)
{
	if (s->attr->schema && !scim_type_schema(t, strv_of(s->attr->schema->urn)))
		return (struct strv){0};
	const json_t *v = scim_resource_get(t, res, s->attr);
	if (json_is_array(v))
		v = element_of(v);
	if (s->sub)
		v = json_object_get(v, s->sub->name);
	return value_key(a, s->sub ? s->sub : s->attr, v);
}

int
scim_sort_cmp(const struct scim_sort *s, struct strv x, struct strv y)
{
	int rc = !x.p || !y.p ? (y.p != NULL) - (x.p != NULL) : strv_cmp(x, y);
	return s->descending ? -rc : rc;
}
