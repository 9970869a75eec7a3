/* SPDX-License-Identifier: Apache-2.0
 * Multi-valued complex attributes. Slots are LDAP attributes that other programs read: they are the truth for what they
 * hold. What a slot alone would not read back exactly is kept as one compact JSON text in the element row; a text with
 * the key "ldap" only decorates the value that the attribute of that name still holds (standards.md 5.5). */
#include "map/plan.h"

#define KEY "ldap" /* no SCIM sub-attribute has this name */

/* One value (or one group of values) of a slot, on its way to an element. */
struct legacy {
	const struct map_slot *slot;
	json_t *element; /* what the slot alone shows, without type */
	bool decorated;
};

struct reading {
	struct map_run *r;
	const struct map_home *h;
	struct legacy *legacy;
	size_t n, cap;
};

static void
push_legacy(struct reading *rd, const struct map_slot *slot, json_t *element)
{
	if (rd->n == rd->cap) {
		size_t cap = rd->cap ? rd->cap * 2 : 8;
		struct legacy *v = ARENA_ARRAY(rd->r->a, cap, struct legacy);
		if (rd->n)
			memcpy(v, rd->legacy, rd->n * sizeof(*v));
		rd->legacy = v;
		rd->cap = cap;
	}
	rd->legacy[rd->n++] = (struct legacy){.slot = slot, .element = element};
}

static void
read_slot(struct reading *rd, const struct map_slot *slot, const struct dir_entry *en)
{
	if (slot->group) {
		json_t *element = json_object();
		for (size_t i = 0; i < slot->n_rows; i++) {
			json_t *j = NULL;
			map_row_shown(rd->r, slot->rows[i], en, &j);
			if (j)
				json_object_set_new(element, slot->rows[i]->leaf->name, j);
		}
		if (json_object_size(element))
			push_legacy(rd, slot, element);
		else
			json_decref(element);
		return;
	}
	const struct map_row *row = slot->rows[0];
	const struct dir_attr *at = dir_entry_attr(en, row->ldap);
	for (size_t i = 0; at && i < at->n; i++) {
		json_t *j = row->codec->decode(rd->r->a, row, at->values[i]);
		if (j)
			push_legacy(rd, slot, json_pack("{s:o}", row->leaf->name, j));
	}
}

/* The sub-attributes of a stored JSON element: only known ones, of the right type. NULL: not an element. */
static json_t *
parse_element(struct reading *rd, struct strv text, const char **key_r)
{
	json_t *raw;
	if (json_parse(rd->r->a, text, NULL, &raw, NULL) < 0 || !json_is_object(raw))
		return NULL;
	json_t *element = json_object();
	for (size_t i = 0; i < rd->h->attr->n_subs; i++) {
		const struct scim_attr *sub = &rd->h->attr->subs[i];
		json_t *v = json_object_get(raw, sub->name);
		bool fits =
			sub->kind == SCIM_BOOLEAN ? json_is_boolean(v) : json_is_string(v) && json_string_length(v) > 0;
		if (fits)
			json_object_set(element, sub->name, v);
	}
	*key_r = json_string_value(json_object_get(raw, KEY));
	return element;
}

static bool
values_agree(const struct scim_attr *attr, const json_t *x, const json_t *y)
{
	const struct scim_attr *sub = scim_attr_sub(attr, STRV("value"));
	const char *vx = json_string_value(json_object_get(x, "value"));
	const char *vy = json_string_value(json_object_get(y, "value"));
	return vx && vy && (sub && !sub->case_exact ? str_caseeq(vx, vy) : str_eq(vx, vy));
}

/* Puts the stored extras around the legacy value that they belong to; false if it is gone. */
static bool
decorate(struct reading *rd, const char *key, json_t *element)
{
	for (size_t i = 0; i < rd->n; i++) {
		struct legacy *l = &rd->legacy[i];
		if (l->decorated || !str_caseeq(l->slot->key, key) ||
		    (!l->slot->group && !values_agree(rd->h->attr, l->element, element)))
			continue;
		/* For a group only what no attribute holds may come from the text: the directory wins. */
		for (size_t k = 0; l->slot->group && k < l->slot->n_rows; k++) {
			const struct map_row *row = l->slot->rows[k];
			json_t *v = json_object_get(element, row->leaf->name);
			struct strv out;
			if (v && row->codec->encode(rd->r->a, row, v, &out, NULL) == 0)
				json_object_del(element, row->leaf->name);
		}
		json_object_update(element, l->element);
		json_decref(l->element);
		l->element = json_incref(element);
		l->decorated = true;
		return true;
	}
	return false;
}

static void
append_new(json_t *list, json_t *element)
{
	size_t i;
	json_t *other;
	json_array_foreach (list, i, other)
		if (json_equal(other, element))
			return;
	json_array_append(list, element);
}

/* A new array, maybe empty. */
static json_t *
read_elements(struct map_run *r, const struct map_home *h, const struct dir_entry *en)
{
	struct reading rd = {.r = r, .h = h};
	for (size_t i = 0; i < h->n_slots; i++)
		read_slot(&rd, &h->slots[i], en);
	const struct dir_attr *at = h->element ? dir_entry_attr(en, h->element->ldap) : NULL;
	json_t *own = json_array(), *list = json_array();
	for (size_t i = 0; at && i < at->n; i++) {
		const char *key = NULL;
		json_t *element = parse_element(&rd, at->values[i], &key);
		if (element && (key ? !decorate(&rd, key, element) : json_object_size(element) > 0) && !key)
			json_array_append(own, element);
		json_decref(element);
	}
	for (size_t i = 0; i < rd.n; i++) {
		struct legacy *l = &rd.legacy[i];
		if (!l->decorated && l->slot->type)
			json_object_set_new(l->element, "type", json_string(l->slot->type));
		append_new(list, l->element);
		json_decref(l->element);
	}
	size_t i;
	json_t *element;
	json_array_foreach (own, i, element)
		append_new(list, element);
	json_decref(own);
	return list;
}

void
map_multi_read(struct map_run *r, const struct map *m, const struct map_home *h, const struct dir_entry *en,
	       json_t *res)
{
	json_t *list = read_elements(r, h, en);
	if (json_array_size(list))
		scim_resource_set(m->type, res, h->attr, list);
	else
		json_decref(list);
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* All values that SCIM shows, and JSON texts that decorate nothing any more. */
static void
collect_shown(struct map_plan *p, const struct map_home *h)
{
	struct reading rd = {.r = p->r, .h = h};
	for (size_t i = 0; i < h->n_slots; i++)
		for (size_t k = 0; k < h->slots[i].n_rows; k++) {
			const struct map_row *row = h->slots[i].rows[k];
			const struct dir_attr *at = dir_entry_attr(p->current, row->ldap);
			struct strv shown = row->one ? map_row_shown(p->r, row, p->current, NULL) : (struct strv){0};
			if (shown.p)
				map_state_add(&p->have, row, shown);
			for (size_t v = 0; at && !row->one && v < at->n; v++) {
				json_t *j = row->codec->decode(p->r->a, row, at->values[v]);
				if (j)
					map_state_add(&p->have, row, at->values[v]);
				json_decref(j);
			}
		}
	const struct dir_attr *at = h->element ? dir_entry_attr(p->current, h->element->ldap) : NULL;
	for (size_t i = 0; at && i < at->n; i++) {
		const char *key;
		json_t *element = parse_element(&rd, at->values[i], &key);
		if (element)
			map_state_add(&p->have, h->element, at->values[i]);
		json_decref(element);
	}
}

static const struct map_slot *
find_slot(const struct map_home *h, const char *type)
{
	for (size_t i = 0; i < h->n_slots; i++)
		if (type ? h->slots[i].type && str_caseeq(h->slots[i].type, type) : h->slots[i].untyped)
			return &h->slots[i];
	return NULL;
}

/* True if one more value can go into the attribute. */
static bool
has_room(const struct map_plan *p, const struct map_row *row, struct strv value)
{
	const struct map_vals *vals = map_state_of(&p->want, row->ldap);
	if (!vals || vals->n == 0)
		return true;
	if (row->at->single || row->one)
		return false;
	for (size_t i = 0; i < vals->n; i++)
		if (map_value_same(row->at, vals->v[i], value))
			return false;
	return true;
}

/* Puts what it can into the slot; shown_r gets what the slot alone will show. 1 placed, 0 not, -1 cannot be held and
 * there is no element row. */
static int
place(struct map_plan *p, const struct map_home *h, const struct map_slot *slot, json_t *element, json_t *shown,
      struct err *e)
{
	struct strv *values = ARENA_ARRAY(p->r->a, slot->n_rows, struct strv);
	bool any = false;
	for (size_t i = 0; slot->group && i < slot->n_rows; i++)
		if (map_state_of(&p->want, slot->rows[i]->ldap))
			return 0; /* holds one element already */
	for (size_t i = 0; i < slot->n_rows; i++) {
		const json_t *v = json_object_get(element, slot->rows[i]->leaf->name);
		struct err why = ERR_INIT;
		if (!v)
			continue;
		if (slot->rows[i]->codec->encode(p->r->a, slot->rows[i], v, &values[i], &why) < 0) {
			values[i].p = NULL;
			if (!h->element) {
				*e = why;
				return -1;
			}
			continue;
		}
		if (!has_room(p, slot->rows[i], values[i]))
			return 0;
		any = true;
	}
	for (size_t i = 0; any && i < slot->n_rows; i++)
		if (values[i].p) {
			const char *name = slot->rows[i]->leaf->name;
			map_state_add(&p->want, slot->rows[i], values[i]);
			json_object_set(shown, name, json_object_get(element, name));
		}
	return any;
}

static void
want_text(struct map_plan *p, const struct map_home *h, const json_t *element)
{
	struct strv text = strv_of(json_text_canonical(p->r->a, element));
	const struct map_vals *vals = map_state_of(&p->want, h->element->ldap);
	for (size_t i = 0; vals && i < vals->n; i++)
		if (map_value_same(h->element->at, vals->v[i], text)) {
			/* Equal but for case: SCIM sees one value, and so does the directory. */
			if (!strv_eq(vals->v[i], text))
				map_plan_ignore(p, h->attr->path);
			return;
		}
	map_state_add(&p->want, h->element, text);
}

static void
want_decoration(struct map_plan *p, const struct map_home *h, const struct map_slot *slot, json_t *element,
		json_t *shown)
{
	json_t *extra = json_keep(p->r->a, json_copy(element));
	const char *name;
	json_t *v;
	if (slot->group)
		json_object_foreach (shown, name, v)
			json_object_del(extra, name);
	json_object_set_new(extra, KEY, json_string(slot->key));
	want_text(p, h, extra);
}

static int
want_element(struct map_plan *p, const struct map_home *h, json_t *element, struct err *e)
{
	const char *type = json_string_value(json_object_get(element, "type"));
	const struct map_slot *slot = find_slot(h, type);
	json_t *shown = json_keep(p->r->a, json_object());
	int placed = slot ? place(p, h, slot, element, shown, e) : 0;
	if (placed < 0)
		return -1;
	if (!placed && h->element) {
		want_text(p, h, element);
		return 0;
	}
	if (!placed) {
		map_plan_ignore(p, type ? arena_printf(p->r->a, "%s[type eq \"%s\"]", h->attr->path, type)
					: h->attr->path);
		return 0;
	}
	json_t *alone = json_keep(p->r->a, json_copy(shown));
	if (slot->type)
		json_object_set_new(alone, "type", json_string(slot->type));
	if (h->element && !json_equal(alone, element))
		want_decoration(p, h, slot, element, shown);
	return 0;
}

int
map_multi_plan(struct map_plan *p, const struct map_home *h, struct err *e)
{
	const json_t *old = p->before ? scim_resource_get(p->m->type, p->before, h->attr) : NULL;
	json_t *new = scim_resource_get(p->m->type, p->after, h->attr);
	if (p->current && (old && new ? json_equal(old, new) : json_unassigned(old) && json_unassigned(new)))
		return 0;
	if (p->current)
		collect_shown(p, h);
	/* The primary element first: it gets the slot, where programs that know nothing of SCIM look. */
	for (int pass = 0; pass < 2; pass++) {
		size_t i;
		json_t *element;
		json_array_foreach (new, i, element)
			if (json_is_true(json_object_get(element, "primary")) == (pass == 0) &&
			    want_element(p, h, element, e) < 0)
				return -1;
	}
	for (size_t i = 0; i < h->n_rows; i++) {
		const struct map_vals *vals = map_state_of(&p->want, h->rows[i]->ldap);
		if (h->rows[i]->required && (!vals || vals->n == 0))
			return err_set(e, ERR_VALUE, "%s is required by the directory", h->rows[i]->path);
	}
	return 0;
}
