/* SPDX-License-Identifier: Apache-2.0
 * Multi-valued complex attributes. Slots are LDAP attributes that other programs read: they are the truth for what they
 * hold. What a slot alone would not read back exactly is kept as one compact JSON text in the element row; a text with
 * the key "ldap" only decorates the value that the attribute of that name still holds (standards.md 5.5). */
#include "map/plan.h"

#define KEY "ldap" /* no SCIM sub-attribute has this name */

/* One value (or one group of values) of a slot, on its way to an element. */
struct legacy {
	const struct map_slot *slot;
	struct scim_item element; /* what the slot alone shows, without type */
	bool decorated;
};

struct reading {
	struct map_run *r;
	const struct map_home *h;
	struct legacy *legacy;
	size_t n, cap;
};

static void
push_legacy(struct reading *rd, const struct map_slot *slot, struct scim_item element)
{
	rd->legacy = ARENA_GROW(rd->r->a, rd->legacy, rd->n, &rd->cap, 8);
	rd->legacy[rd->n++] = (struct legacy){.slot = slot, .element = element};
}

static void
read_group(struct reading *rd, const struct map_slot *slot, const struct dir_entry *en)
{
	struct scim_item element = {.n = 0};
	for (size_t i = 0; i < slot->n_rows; i++) {
		struct scim_scalar shown;
		if (!map_row_shown(rd->r, slot->rows[i], en, &shown).p)
			continue;
		if (element.n == 0)
			element = scim_item_new(rd->r->a, rd->h->attr);
		scim_item_set(&element, slot->rows[i]->leaf, shown);
	}
	if (element.n > 0)
		push_legacy(rd, slot, element);
}

static void
read_slot(struct reading *rd, const struct map_slot *slot, const struct dir_entry *en)
{
	const struct map_row *row = slot->rows[0];
	const struct dir_attr *at = slot->group ? NULL : dir_entry_attr(en, row->ldap);
	for (size_t i = 0; at && i < at->n; i++) {
		struct scim_scalar shown;
		if (!row->codec->decode(rd->r->a, row, at->values[i], &shown))
			continue;
		struct scim_item element = scim_item_new(rd->r->a, rd->h->attr);
		scim_item_set(&element, row->leaf, shown);
		push_legacy(rd, slot, element);
	}
	if (slot->group)
		read_group(rd, slot, en);
}

/* The sub-attributes of a stored JSON element: only known ones, of the right type. False: not an element. */
static bool
parse_element(struct reading *rd, struct strv text, struct scim_item *element_r, const char **key_r)
{
	json_t *raw;
	if (json_parse(rd->r->a, text, NULL, &raw, NULL) < 0 || !json_is_object(raw))
		return false;
	*element_r = scim_item_new(rd->r->a, rd->h->attr);
	for (size_t i = 0; i < rd->h->attr->n_subs; i++) {
		const struct scim_attr *sub = &rd->h->attr->subs[i];
		const json_t *v = json_object_get(raw, sub->name);
		struct strv s = strv_n(json_string_value(v), json_string_length(v));
		if (sub->kind == SCIM_BOOLEAN && json_is_boolean(v))
			scim_item_set(element_r, sub, scim_bool(json_is_true(v)));
		else if (sub->kind != SCIM_BOOLEAN && s.n > 0)
			scim_item_set(element_r, sub, scim_text(s));
	}
	*key_r = json_string_value(json_object_get(raw, KEY));
	return true;
}

static bool
values_agree(const struct scim_attr *attr, const struct scim_item *x, const struct scim_item *y)
{
	const struct scim_attr *sub = scim_attr_sub(attr, STRV("value"));
	const struct scim_scalar *vx = sub ? scim_item_get(x, sub) : NULL, *vy = sub ? scim_item_get(y, sub) : NULL;
	if (!vx || !vy || vx->type != JSON_STRING || vy->type != JSON_STRING)
		return false;
	return sub->case_exact ? strv_eq(vx->text, vy->text) : strv_caseeq(vx->text, vy->text);
}

/* For a group only what no attribute holds may come from the text: the directory wins. */
static struct scim_item
without_held(struct reading *rd, const struct map_slot *slot, const struct scim_item *stored)
{
	struct scim_item out = scim_item_new(rd->r->a, rd->h->attr);
	for (size_t i = 0; i < stored->n; i++) {
		const struct scim_field *f = &stored->v[i];
		bool held = false;
		for (size_t k = 0; slot->group && k < slot->n_rows && !held; k++) {
			const struct map_row *row = slot->rows[k];
			json_auto_t *v = row->leaf == f->attr ? scim_scalar_tree(&f->value) : NULL;
			struct strv text;
			held = v && row->codec->encode(rd->r->a, row, v, &text, NULL) == 0;
		}
		if (!held)
			scim_item_set(&out, f->attr, f->value);
	}
	return out;
}

/* Puts the stored extras around the legacy value that they belong to; nothing if it is gone. */
static void
decorate(struct reading *rd, const char *key, const struct scim_item *stored)
{
	for (size_t i = 0; i < rd->n; i++) {
		struct legacy *l = &rd->legacy[i];
		if (l->decorated || !str_caseeq(l->slot->key, key) ||
		    (!l->slot->group && !values_agree(rd->h->attr, &l->element, stored)))
			continue;
		struct scim_item all = without_held(rd, l->slot, stored);
		for (size_t k = 0; k < l->element.n; k++)
			scim_item_set(&all, l->element.v[k].attr, l->element.v[k].value);
		l->element = all;
		l->decorated = true;
		return;
	}
}

static void
append_new(struct scim_view *res, const struct scim_attr *attr, const struct scim_item *element)
{
	const struct scim_part *part = scim_view_part(res, attr);
	for (size_t i = 0; part && i < part->n; i++)
		if (scim_item_equal(&part->items[i], element))
			return;
	*scim_view_item(res, attr) = *element;
}

void
map_multi_read(struct map_run *r, const struct map_home *h, const struct dir_entry *en, struct scim_view *res)
{
	struct reading rd = {.r = r, .h = h};
	for (size_t i = 0; i < h->n_slots; i++)
		read_slot(&rd, &h->slots[i], en);
	const struct dir_attr *at = h->element ? dir_entry_attr(en, h->element->ldap) : NULL;
	struct scim_item *own = at ? ARENA_ARRAY(r->a, at->n, struct scim_item) : NULL;
	size_t n_own = 0;
	for (size_t i = 0; at && i < at->n; i++) {
		const char *key = NULL;
		if (!parse_element(&rd, at->values[i], &own[n_own], &key))
			continue;
		if (key)
			decorate(&rd, key, &own[n_own]);
		else
			n_own += own[n_own].n > 0;
	}
	const struct scim_attr *type = rd.n > 0 ? scim_attr_sub(h->attr, STRV("type")) : NULL;
	for (size_t i = 0; i < rd.n; i++) {
		struct legacy *l = &rd.legacy[i];
		if (!l->decorated && l->slot->type && type)
			scim_item_set(&l->element, type, scim_text(strv_of(l->slot->type)));
		append_new(res, h->attr, &l->element);
	}
	for (size_t i = 0; i < n_own; i++)
		append_new(res, h->attr, &own[i]);
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
				struct scim_scalar value;
				if (row->codec->decode(p->r->a, row, at->values[v], &value))
					map_state_add(&p->have, row, at->values[v]);
			}
		}
	const struct dir_attr *at = h->element ? dir_entry_attr(p->current, h->element->ldap) : NULL;
	for (size_t i = 0; at && i < at->n; i++) {
		const char *key;
		struct scim_item element;
		if (parse_element(&rd, at->values[i], &element, &key))
			map_state_add(&p->have, h->element, at->values[i]);
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
