/* SPDX-License-Identifier: Apache-2.0
 * Tells the change feed of each write. The version that a write made comes back with its answer (post-read, RFC 4527),
 * at no round trip; a directory without it is told apart by id and time alone. */
#include "gw/cause.h"

#include "dirhinge/store/cause.h"

struct told {
	struct causes *cs; /* NULL = nobody follows */
	struct cause_write *mark;
	struct dir_write w;
	const struct dir_entry *post; /* if the caller does not want it */
};

/* What the caller asks for, id and version. */
static const char *const *
with_version(struct gw_run *run, const char *const *attrs)
{
	const struct dir_flavour *f = run->m.caps->flavour;
	size_t n = 0;

	while (attrs && attrs[n])
		n++;
	const char **all = ARENA_ARRAY(run->m.a, n + 3, const char *);
	if (n > 0)
		memcpy(all, attrs, n * sizeof(*all));
	all[n++] = f->id_attr;
	all[n] = f->version_attr;
	return all;
}

/* dn as it is after the write: so the feed will name it. */
static void
begin(struct gw_run *run, struct told *t, const char *dn, const struct dir_write *w)
{
	*t = (struct told){.cs = gw_options(run->g)->causes};
	if (w)
		t->w = *w;
	if (!t->cs)
		return;
	const char *key = dn ? dir_dn_normal(run->m.a, dn) : NULL;
	t->mark = causes_begin(t->cs, key ? key : "", run->q->who->name, run->q->request_id);
	if (!run->m.caps->post_read)
		return;
	t->w.post_attrs = with_version(run, t->w.post_attrs);
	if (!t->w.post_r)
		t->w.post_r = &t->post;
}

static int
end(struct gw_run *run, struct told *t, int rc, const struct err *e)
{
	const struct dir_entry *post = rc == 0 && t->w.post_r ? *t->w.post_r : NULL;
	const char *id = t->w.id ? t->w.id : post ? map_id(&run->m, post) : NULL;

	if (!t->cs)
		return rc;
	/* What may have happened is taken for ours if the feed reports it. */
	bool changed = rc == 0 || (e && e->code == ERR_UNKNOWN_OUTCOME);
	causes_end(t->cs, &t->mark, changed ? id : NULL,
		   post ? dir_entry_first(post, run->m.caps->flavour->version_attr).p : NULL);
	return rc;
}

int
gw_write_add(struct gw_run *run, const char *dn, const struct dir_mods *attrs, const struct dir_write *w, struct err *e)
{
	struct told t;

	begin(run, &t, dn, w);
	return end(run, &t, dir_add(run->m.dir, run->m.a, dn, attrs, &t.w, run->m.until, e), e);
}

int
gw_write_modify(struct gw_run *run, const char *dn, const struct dir_mods *mods, const struct dir_write *w,
		struct err *e)
{
	struct told t;

	begin(run, &t, dn, w);
	return end(run, &t, dir_modify(run->m.dir, run->m.a, dn, mods, &t.w, run->m.until, e), e);
}

int
gw_write_rename(struct gw_run *run, const char *dn, const char *new_rdn, const char *new_parent,
		const struct dir_write *w, deadline_t until, struct err *e)
{
	const char *to =
		new_parent ? dir_dn_join(run->m.a, new_rdn, new_parent) : dir_dn_with_rdn(run->m.a, dn, new_rdn);
	struct told t;

	begin(run, &t, to, w);
	return end(run, &t, dir_rename(run->m.dir, run->m.a, dn, new_rdn, new_parent, &t.w, until, e), e);
}

int
gw_write_delete(struct gw_run *run, const char *dn, const struct dir_write *w, deadline_t until, struct err *e)
{
	struct told t;

	begin(run, &t, dn, w);
	t.w.post_attrs = NULL; /* nothing is left to read */
	t.w.post_r = NULL;
	return end(run, &t, dir_delete(run->m.dir, run->m.a, dn, &t.w, until, e), e);
}

int
gw_write_password(struct gw_run *run, const char *dn, const char *id, struct strv password, bool disabled,
		  struct err *e)
{
	const char *at = dir_address(run->m.a, run->m.caps, dn, id);
	struct told t;

	begin(run, &t, dn, &(struct dir_write){.id = id});
	t.w.post_r = NULL;
	return end(run, &t, map_set_password(&run->m, run->map, at, password, disabled, e), e);
}
