/* SPDX-License-Identifier: Apache-2.0
 * See map_random.h. */
#include "map_random.h"

#include <stdlib.h>

#include "dirhinge/base/codec.h"
#include "dirhinge/scim/resource.h"

struct gen {
	struct arena *a;
	const struct map *m;
	uint64_t *rng;
	const char *leave_out;
};

unsigned
map_random(uint64_t *rng, unsigned n)
{
	*rng ^= *rng << 13;
	*rng ^= *rng >> 7;
	*rng ^= *rng << 17;
	return (unsigned)((*rng >> 11) % n);
}

static unsigned
pick(struct gen *w, unsigned n)
{
	return map_random(w->rng, n);
}

static const char *const texts[] = {
	"x",
	"X",
	"x  y",
	"x y",
	"Zoë",
	"Zoe\xcc\x88",
	"a$b",
	"a\\24b",
	"line1\nline2",
	"1;ext=2",
	"+1 201",
	"+1-201",
	"+1201",
	"\"q\"",
	"{\"a\":1}",
	"(*)",
	"a,b=c+d",
	"\\",
	"<&>",
	"%s%n",
	"\xe2\x80\xae",
	"tel:+49",
	"ÜBER@x.example",
	"b@x.example",
	"B@x.example",
	"c@x.example",
};

static const char *
text(struct gen *w)
{
	return texts[pick(w, ARRAY_SIZE(texts))];
}

/* What a user name may be made of. */
static const char *
visible(struct gen *w)
{
	const char *s = text(w);
	while (strchr(s, '\n') || strstr(s, "\xe2\x80\xae"))
		s = text(w);
	return s;
}

static char *
folded(struct arena *a, const char *s)
{
	char *out = arena_alloc(a, strlen(s) + 1);
	size_t n = 0;
	for (; *s; s++)
		if (*s != ' ' || n == 0 || out[n - 1] != ' ')
			out[n++] = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
	return out;
}

/* Two elements that SCIM's own comparison takes for one are no input that reaches the map twice. */
static bool
has_twin(struct arena *a, const json_t *list, const json_t *element)
{
	const char *mine = folded(a, json_text_canonical(a, element));
	for (size_t i = 0; i < json_array_size(list); i++)
		if (str_eq(mine, folded(a, json_text_canonical(a, json_array_get(list, i)))))
			return true;
	return false;
}

static void
random_elements(struct gen *w, json_t *res, const struct scim_attr *attr)
{
	static const char *const types[] = {"work", "home", "mobile", "fax", "pager", "other", "Work", "xmpp"};
	json_t *list = json_keep(w->a, json_array());
	bool primary = false;
	for (unsigned n = pick(w, 4); n > 0; n--) {
		json_t *el = json_keep(w->a, json_object());
		for (size_t i = 0; i < attr->n_subs; i++) {
			const char *name = attr->subs[i].name;
			bool wanted = str_eq(name, "value") || pick(w, 3) == 0;
			if (str_eq(name, "type")) {
				if (pick(w, 5))
					json_object_set_new(el, name, json_string(types[pick(w, ARRAY_SIZE(types))]));
			} else if (attr->subs[i].kind == SCIM_BOOLEAN) {
				if (!primary && pick(w, 3) == 0) {
					json_object_set_new(el, name, json_true());
					primary = true;
				}
			} else if (wanted && attr->subs[i].kind == SCIM_BINARY) {
				struct strv v = strv_of(text(w));
				json_object_set_new(el, name, json_string(base64_encode(w->a, v)));
			} else if (wanted) {
				json_object_set_new(el, name, json_string(text(w)));
			}
		}
		if (json_object_size(el) && !has_twin(w->a, list, el))
			json_array_append(list, el);
	}
	if (json_array_size(list))
		scim_resource_set(map_type(w->m), res, attr, json_incref(list));
}

static void
random_attr(struct gen *w, json_t *res, const struct scim_attr *attr)
{
	const struct scim_type *t = map_type(w->m);
	if (attr->mutability != SCIM_READ_WRITE || str_eq(attr->name, "manager") || str_eq(attr->name, w->leave_out))
		return;
	if (str_eq(attr->name, "active")) {
		json_object_set_new(res, "active", json_boolean(pick(w, 2)));
	} else if (attr->multi) {
		random_elements(w, res, attr);
	} else if (attr->kind == SCIM_COMPLEX) {
		json_t *obj = json_object();
		for (size_t i = 0; i < attr->n_subs; i++)
			if (pick(w, 2))
				json_object_set_new(obj, attr->subs[i].name, json_string(text(w)));
		if (json_object_size(obj))
			scim_resource_set(t, res, attr, obj);
		else
			json_decref(obj);
	} else if (str_eq(attr->name, "profileUrl")) {
		if (pick(w, 2))
			scim_resource_set(t, res, attr, json_string("https://x.example/%20y"));
	} else if (str_eq(attr->name, "userName")) {
		scim_resource_set(t, res, attr, json_string(visible(w)));
	} else if (pick(w, 2)) {
		scim_resource_set(t, res, attr, json_string(text(w)));
	}
}

json_t *
map_random_user(struct arena *a, const struct map *m, uint64_t *rng, const char *leave_out)
{
	struct gen gen = {a, m, rng, leave_out}, *w = &gen;
	const struct scim_type *t = map_type(w->m);
	json_t *res = json_keep(w->a, json_object());
	for (size_t i = 0; i < t->core->n_attrs; i++)
		random_attr(w, res, &t->core->attrs[i]);
	for (size_t k = 0; k < t->n_extensions; k++)
		for (size_t i = 0; i < t->extensions[k]->n_attrs; i++)
			random_attr(w, res, &t->extensions[k]->attrs[i]);
	if (pick(w, 2))
		json_object_set_new(res, "externalId", json_string(text(w)));
	return res;
}

static int
by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Canonical text with lists in order, without what is not the client's. */
const char *
map_random_normal(struct arena *a, const json_t *res)
{
	static const char *const not_ours[] = {"id", "meta", "schemas"};
	json_t *copy = json_keep(a, json_deep_copy(res));
	const char *key;
	json_t *v;
	for (size_t i = 0; i < ARRAY_SIZE(not_ours); i++)
		json_object_del(copy, not_ours[i]);
	if (!json_object_get(copy, "active"))
		json_object_set_new(copy, "active", json_true());
	json_object_foreach (copy, key, v) {
		size_t n = json_array_size(v);
		const char **lines = ARENA_ARRAY(a, n + 1, const char *);
		if (!json_is_array(v))
			continue;
		for (size_t i = 0; i < n; i++)
			lines[i] = json_text_canonical(a, json_array_get(v, i));
		qsort(lines, n, sizeof(*lines), by_text);
		json_array_clear(v);
		for (size_t i = 0; i < n; i++)
			json_array_append_new(v, json_string(lines[i]));
	}
	return json_text_canonical(a, copy);
}
