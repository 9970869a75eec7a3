/* SPDX-License-Identifier: Apache-2.0
 * Group members as value-level changes. A member list is never read to be written back: adding or removing one member
 * costs the same in a group of ten and of a hundred thousand. */
#include "dirhinge/base/strmap.h"
#include "gw/cause.h"
#include "gw/protect.h"

/* Each refusal means that another client got a change in between. */
#define MEMBER_TRIES 16

/* What one modify is to say; narrowed from attempt to attempt. */
struct plan {
	struct gw_run *run;
	const char *dn, *id, *attr;
	const struct dir_mods *other; /* NULL after the first chunk */
	const char **add, **del;
	size_t n_add, n_del;
	bool clear;
	bool placeholder;                   /* the class requires a member: the zero-length DN stands in */
	bool drop_placeholder;              /* it is there and has to go in the same modify */
	bool add_placeholder;               /* the last real member goes in the same modify */
	bool looked;                        /* for that the group was read, */
	struct strv version;                /* in this version, */
	const struct dir_filter *unchanged; /* and still is so */
	const struct dir_filter *condition; /* the caller's */
	const struct dir_entry **post_r;    /* the caller's, or NULL */
};

static const struct dir_filter *
both(const struct plan *p, const struct dir_filter *x, const struct dir_filter *y)
{
	return x && y ? dir_f_and2(p->run->m.a, x, y) : x ? x : y;
}

static const struct dir_filter *
has_placeholder(const struct plan *p)
{
	return dir_f_eq(p->run->m.a, p->attr, map_placeholder);
}

/* 1 if the group holds the placeholder now, 0 if not (or the group is gone), -1 error. */
static int
look_for_placeholder(const struct plan *p, struct err *e)
{
	const struct dir_entry *en;
	struct dir_search s = {
		.base = p->dn,
		.scope = DIR_BASE,
		.filter = both(p, gw_is_id(p->run, p->id), has_placeholder(p)),
		.attrs = (const char *const[]){"1.1", NULL},
	};
	return dir_search_one(p->run->m.dir, p->run->m.a, &s, p->run->m.until, &en, e);
}

static void
build(const struct plan *p, struct dir_mods *mods)
{
	dir_mods_init(mods, p->run->m.a);
	if (p->other)
		for (size_t i = 0; i < p->other->n; i++) {
			const struct dir_mod *m = &p->other->mods[i];
			if (m->op == DIR_MOD_REPLACE || m->n == 0)
				dir_mods_replace(mods, m->attr, m->values, m->n);
			for (size_t v = 0; m->op != DIR_MOD_REPLACE && v < m->n; v++)
				dir_mods_value(mods, m->op, m->attr, m->values[v]);
		}
	if (p->clear) {
		dir_mods_replace(mods, p->attr, &map_placeholder, p->placeholder ? 1 : 0);
		return;
	}
	if (p->drop_placeholder)
		dir_mods_value(mods, DIR_MOD_DELETE, p->attr, map_placeholder);
	for (size_t i = 0; i < p->n_del; i++)
		dir_mods_value(mods, DIR_MOD_DELETE, p->attr, strv_of(p->del[i]));
	for (size_t i = 0; i < p->n_add; i++)
		dir_mods_value(mods, DIR_MOD_ADD, p->attr, strv_of(p->add[i]));
	if (p->add_placeholder)
		dir_mods_value(mods, DIR_MOD_ADD, p->attr, map_placeholder);
}

/* Keeps those of dns that are (present true) or are not members now. Only the values in question cross the wire
 * (matchedValues, RFC 3876), or the whole list where the server lacks the control. */
static int
narrow(const struct plan *p, const char **dns, size_t *n, bool present, struct err *e)
{
	struct arena *a = p->run->m.a;
	if (*n == 0)
		return 0;
	const struct dir_filter **items = ARENA_ARRAY(a, *n, const struct dir_filter *);
	for (size_t i = 0; i < *n; i++)
		items[i] = dir_f_eq(a, p->attr, strv_of(dns[i]));
	const struct dir_entry *en;
	struct dir_search s = {
		.base = p->dn,
		.scope = DIR_BASE,
		.filter = gw_is_id(p->run, p->id),
		.attrs = (const char *const[]){p->attr, NULL},
		.matched = p->run->m.caps->matched_values && *n <= 200 ? dir_f_or(a, items, *n) : NULL,
	};
	int rc = dir_search_one(p->run->m.dir, a, &s, p->run->m.until, &en, e);
	/* What another group of that name holds says nothing about this one. */
	if (rc <= 0)
		return rc < 0 ? -1 : gw_moved(p->run, e);
	struct strmap *have = strmap_new(a, false);
	const struct dir_attr *at = dir_entry_attr(en, p->attr);
	for (size_t i = 0; at && i < at->n; i++) {
		char *key = dir_dn_normal(a, at->values[i].p);
		if (key)
			strmap_put(have, strv_of(key), key);
	}
	size_t kept = 0;
	for (size_t i = 0; i < *n; i++) {
		char *key = dir_dn_normal(a, dns[i]);
		bool is = key && strmap_get(have, strv_of(key));
		if (is == present)
			dns[kept++] = dns[i];
	}
	*n = kept;
	return 0;
}

static bool
nothing_left(const struct plan *p)
{
	return p->n_add == 0 && p->n_del == 0 && !p->clear && (!p->other || p->other->n == 0);
}

/* One attempt. A group that still holds the placeholder must lose it with its first member; the assertion lets the
 * common case (it is not there) pass without a question beforehand. */
static int
attempt(const struct plan *p, struct err *e)
{
	struct arena *a = p->run->m.a;
	bool first = p->placeholder && p->n_add > 0 && !p->drop_placeholder && p->run->m.caps->assertion;
	struct dir_mods mods;
	build(p, &mods);
	const struct dir_filter *more = p->condition;
	if (first)
		more = both(p, more, dir_f_not(a, has_placeholder(p)));
	if (p->add_placeholder)
		more = both(p, more, p->unchanged);
	struct dir_write w = {
		/* The placeholder comes for members who go, not for some who went: refint moves no version. */
		.permissive = !p->add_placeholder,
		.assertion = gw_guard(p->run, p->dn, p->id, more),
		.id = p->id,
		.post_attrs = p->post_r ? gw_version_attrs(p->run) : NULL,
		.post_r = p->post_r,
	};
	return gw_write_modify(p->run, p->dn, &mods, &w, e);
}

static int
adapt_missing(struct plan *p, struct err *e)
{
	size_t before = p->n_del;
	bool dropped = p->drop_placeholder;
	if (p->drop_placeholder) {
		int there = look_for_placeholder(p, e);
		if (there < 0)
			return -1;
		p->drop_placeholder = there == 1;
	}
	if (narrow(p, p->del, &p->n_del, true, e) < 0)
		return -1;
	return p->n_del < before || p->drop_placeholder != dropped;
}

static int
adapt_present(struct plan *p, struct err *e)
{
	size_t before = p->n_add;
	if (narrow(p, p->add, &p->n_add, false, e) < 0)
		return -1;
	return p->n_add < before;
}

/* A placeholder that is gone by now was swapped by somebody else, or the group is another one: the caller reads again.
 */
static int
adapt_precondition(struct plan *p, struct err *e)
{
	if (!p->placeholder || p->n_add == 0 || p->drop_placeholder)
		return 0;
	int there = look_for_placeholder(p, e);
	if (there == 1)
		p->drop_placeholder = true;
	return there;
}

/* The group with its members and its version. */
static int
read_group(const struct plan *p, const struct dir_entry **en_r, struct err *e)
{
	const char *const *version = gw_version_attrs(p->run);
	size_t n = 0;
	while (version[n])
		n++;
	const char **attrs = ARENA_ARRAY(p->run->m.a, n + 2, const char *);
	memcpy(attrs, version, n * sizeof(*attrs));
	attrs[n] = p->attr;
	struct dir_search s = {.base = p->dn, .scope = DIR_BASE, .filter = gw_is_id(p->run, p->id), .attrs = attrs};
	int rc = dir_search_one(p->run->m.dir, p->run->m.a, &s, p->run->m.until, en_r, e);
	return rc < 0 ? -1 : rc == 0 ? gw_moved(p->run, e) : 0;
}

/* Keeps of p->del those who are members; true if nobody else is one. */
static bool
all_go(struct plan *p, const struct dir_attr *members)
{
	struct arena *a = p->run->m.a;
	struct strmap *go = strmap_new(a, false), *found = strmap_new(a, false);
	size_t kept = 0;
	bool all = true;
	for (size_t i = 0; i < p->n_del; i++) {
		char *key = dir_dn_normal(a, p->del[i]);
		if (key)
			strmap_put(go, strv_of(key), key);
	}
	for (size_t i = 0; members && i < members->n; i++) {
		char *key = dir_dn_normal(a, members->values[i].p);
		/* A name counts once: the directory may tell apart what is one name here. */
		if (key && strmap_get(go, strv_of(key)) && !strmap_put(found, strv_of(key), key))
			p->del[kept++] = members->values[i].p;
		else
			all = false;
	}
	p->n_del = kept;
	return all;
}

/* groupOfNames needs a member: the last real one is swapped for the placeholder. No filter says "and nobody else", so
 * the swap is for the version that was read; what others change in between makes a new one, and it is read again. */
static int
adapt_last(struct plan *p, struct err *e)
{
	const struct dir_entry *en;
	if (!p->placeholder || p->n_del == 0 || p->n_add > 0)
		return 0;
	if (read_group(p, &en, e) < 0)
		return -1;
	const char *attr = p->run->m.caps->flavour->version_attr;
	struct strv version = attr ? dir_entry_first(en, attr) : strv_n(NULL, 0);
	if (p->looked && strv_eq(version, p->version))
		return 0;
	p->looked = true;
	p->version = version;
	p->unchanged = gw_unchanged(p->run, en);
	p->add_placeholder = all_go(p, dir_entry_attr(en, p->attr));
	return 1;
}

/* Decides from the refusal what to say differently: 1 try again, 0 the refusal was about something else, -1 error. */
static int
adapt(struct plan *p, struct err *e)
{
	struct err why = *e;
	int rc = 0;
	if (why.code == ERR_DIR_OBJECT_CLASS || (p->add_placeholder && gw_raced(&why)))
		rc = adapt_last(p, e);
	else if (why.code == ERR_PRECONDITION)
		rc = adapt_precondition(p, e);
	else if (why.code == ERR_DIR_MISSING_VALUE)
		rc = adapt_missing(p, e);
	else if (why.code == ERR_DIR_HAS_VALUE)
		rc = adapt_present(p, e);
	if (rc == 0)
		*e = why;
	return rc;
}

static int
run_plan(struct plan *p, struct err *e)
{
	if (p->placeholder && p->n_add > 0 && !p->clear && !p->run->m.caps->assertion) {
		int there = look_for_placeholder(p, e);
		if (there < 0)
			return -1;
		p->drop_placeholder = there == 1;
	}
	for (int i = 0;; i++) {
		if (nothing_left(p))
			return 0;
		if (attempt(p, e) == 0)
			return 0;
		if (i + 1 >= MEMBER_TRIES)
			return err_set(e, ERR_BUSY, "the group is being changed by others; try again");
		if (adapt(p, e) != 1)
			return err_cause(e, "change the members of %s", p->dn);
		err_clear(e);
	}
}

int
gw_modify_group(struct gw_run *run, const struct gw_group *group, const struct dir_mods *other,
		const struct gw_members *mm, const struct dir_entry **post_r, struct err *e)
{
	const struct map *groups = run->m.set->groups;
	size_t done_add = 0, done_del = 0;
	bool first = true;
	if (mm->n_add > 0 && gw_check_nesting(run, group, e) < 0)
		return -1;
	/* slapd refuses PDUs over 4 MiB; one modify of 5,000 values stays far below it (directories.md 1.4). */
	while (first || done_add < mm->n_add || done_del < mm->n_del) {
		struct plan p = {
			.run = run,
			.dn = group->dn,
			.id = group->id,
			.attr = map_type_options(groups)->member_attribute,
			.other = first ? other : NULL,
			.clear = first && mm->clear,
			.placeholder = map_needs_placeholder(groups),
			.condition = first ? group->condition : NULL,
			.post_r = post_r,
		};
		if (!p.clear) {
			p.n_del = mm->n_del - done_del < GW_MEMBER_CHUNK ? mm->n_del - done_del : GW_MEMBER_CHUNK;
			p.n_add = mm->n_add - done_add < GW_MEMBER_CHUNK ? mm->n_add - done_add : GW_MEMBER_CHUNK;
			p.del = arena_memdup(run->m.a, mm->del + done_del, p.n_del * sizeof(*p.del));
			p.add = arena_memdup(run->m.a, mm->add + done_add, p.n_add * sizeof(*p.add));
			done_add += p.n_add;
			done_del += p.n_del;
		}
		if (run_plan(&p, e) < 0)
			return first ? -1
				     : err_cause(e, "after %zu of %zu members", done_add + done_del,
						 mm->n_add + mm->n_del);
		first = false;
	}
	return 0;
}
