/* SPDX-License-Identifier: Apache-2.0
 * When two values are the same: keys built by the attribute's rules, compared as bytes. */
#include "dirhinge/base/codec.h"
#include "dirhinge/base/strmap.h"
#include "scim/normal.h"
#include "scim/text.h"

const struct scim_attr *
scim_attr_value(const struct scim_attr *attr)
{
	return scim_attr_sub(attr, STRV("value"));
}

bool
scim_attr_is_links(const struct scim_attr *attr)
{
	return attr->multi && attr->kind == SCIM_COMPLEX && scim_attr_sub(attr, STRV("$ref")) && scim_attr_value(attr);
}

bool
scim_sub_is_derived(const struct scim_attr *attr, const struct scim_attr *sub)
{
	if (str_eq(sub->name, "value"))
		return false;
	return scim_attr_is_links(attr) || (sub->mutability == SCIM_READ_ONLY && attr->mutability != SCIM_READ_ONLY);
}

/* Three bytes a character and a zero at the end: neighbours cannot run into each other. */
static void
key_text(struct buf *b, struct strv s, bool exact)
{
	while (s.n > 0) {
		uint32_t c = scim_text_next(&s, exact);
		const char bytes[] = {(char)(c >> 16), (char)(c >> 8), (char)c};
		buf_add(b, bytes, sizeof(bytes));
	}
	buf_add(b, "\0\0\0", 3);
}

static void
key_string(struct buf *b, const struct scim_attr *attr, const json_t *value, bool spelling)
{
	struct strv s = strv_n(json_string_value(value), json_string_length(value));
	int64_t us;
	struct err e = ERR_INIT;

	/* RFC 7643 2.3.5: the same instant may be written with another offset. */
	if (attr->kind == SCIM_DATETIME && time_from_rfc3339(s, &us, &e) == 0)
		buf_printf(b, "@%lld", (long long)us);
	else
		key_text(b, s, spelling || attr->case_exact);
}

static void
key_complex(struct buf *b, const struct scim_attr *attr, const json_t *value, bool spelling, bool with_primary)
{
	bool links = scim_attr_is_links(attr);

	buf_addc(b, '{');
	for (size_t i = 0; i < attr->n_subs; i++) {
		const struct scim_attr *sub = &attr->subs[i];
		const json_t *v = json_object_get(value, sub->name);
		/* RFC 7643 2.4: primary is false when it is absent. */
		if (!v || json_is_null(v) || scim_sub_is_derived(attr, sub) ||
		    (str_eq(sub->name, "primary") && (json_is_false(v) || !with_primary)))
			continue;
		buf_printf(b, "%zu=", i);
		scim_value_key(b, sub, v, spelling && !links);
	}
	buf_addc(b, '}');
}

void
scim_value_key(struct buf *b, const struct scim_attr *attr, const json_t *value, bool spelling)
{
	size_t i;
	const json_t *el;

	if (json_is_object(value)) {
		key_complex(b, attr, value, spelling, true);
	} else if (json_is_array(value)) {
		buf_addc(b, '[');
		json_array_foreach (value, i, el)
			scim_value_key(b, attr, el, spelling);
		buf_addc(b, ']');
	} else if (json_is_string(value)) {
		key_string(b, attr, value, spelling);
	} else if (json_is_integer(value) && attr->kind != SCIM_DECIMAL) {
		buf_printf(b, "%lld", (long long)json_integer_value(value));
	} else if (json_is_number(value)) {
		buf_printf(b, "%.17g", json_number_value(value));
	} else {
		buf_addc(b, json_is_true(value) ? 't' : json_is_false(value) ? 'f' : '-');
	}
}

void
scim_identity_key(struct buf *b, const struct scim_attr *attr, const json_t *element)
{
	const struct scim_attr *value = attr->kind == SCIM_COMPLEX ? scim_attr_value(attr) : NULL;
	const struct scim_attr *type = value && !scim_attr_is_links(attr) ? scim_attr_sub(attr, STRV("type")) : NULL;
	const json_t *kind;

	if (!json_is_object(element)) {
		scim_value_key(b, attr, element, false);
		return;
	}
	/* Which element is the primary one says nothing about which element it is. */
	if (!value) {
		key_complex(b, attr, element, false, false);
		return;
	}
	/* RFC 7643 2.4: a service provider should not return the same combination of type and value twice. */
	scim_value_key(b, value, json_object_get(element, "value"), false);
	if (type && (kind = json_object_get(element, "type")) != NULL) {
		buf_addc(b, ' ');
		scim_value_key(b, type, kind, false);
	}
}

static bool
keys_equal(const struct scim_attr *attr, const json_t *a, const json_t *b, bool spelling)
{
	DH_CLEANUP(buf_done) struct buf ka = BUF_INIT(SIZE_MAX);
	DH_CLEANUP(buf_done) struct buf kb = BUF_INIT(SIZE_MAX);

	scim_value_key(&ka, attr, a, spelling);
	scim_value_key(&kb, attr, b, spelling);
	return strv_eq(buf_view(&ka), buf_view(&kb));
}

/* The same elements in any order, each as often. */
static bool
lists_equal(const struct scim_attr *attr, const json_t *a, const json_t *b, bool spelling)
{
	size_t i;
	const json_t *el;

	if (json_array_size(a) != json_array_size(b))
		return false;
	if (json_array_size(a) == 1)
		return keys_equal(attr, json_array_get(a, 0), json_array_get(b, 0), spelling);

	DH_CLEANUP(arena_free) struct arena *tmp = arena_new(4096);
	DH_CLEANUP(buf_done) struct buf key = BUF_INIT(SIZE_MAX);
	struct strmap *left = strmap_new(tmp, false);
	json_array_foreach (a, i, el) {
		buf_reset(&key);
		scim_value_key(&key, attr, el, spelling);
		size_t *count = strmap_get(left, buf_view(&key));
		if (!count) {
			count = ARENA_NEW(tmp, size_t);
			strmap_put(left, buf_view(&key), count);
		}
		++*count;
	}
	json_array_foreach (b, i, el) {
		buf_reset(&key);
		scim_value_key(&key, attr, el, spelling);
		size_t *count = strmap_get(left, buf_view(&key));
		if (!count || *count == 0)
			return false;
		--*count;
	}
	return true;
}

static bool
compare(const struct scim_attr *attr, const json_t *a, const json_t *b, bool spelling)
{
	bool no_a = json_unassigned(a), no_b = json_unassigned(b);

	if (no_a || no_b)
		return no_a && no_b;
	if (json_equal(a, b)) /* most are: what a change leaves alone */
		return true;
	if (attr->multi && json_is_array(a) && json_is_array(b))
		return lists_equal(attr, a, b, spelling);
	return keys_equal(attr, a, b, spelling);
}

bool
scim_value_equal(const struct scim_attr *attr, const json_t *a, const json_t *b)
{
	return compare(attr, a, b, false);
}

bool
scim_value_same(const struct scim_attr *attr, const json_t *a, const json_t *b)
{
	return a == b || compare(attr, a, b, true);
}
