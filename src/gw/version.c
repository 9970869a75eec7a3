/* SPDX-License-Identifier: Apache-2.0
 * Entity tags and preconditions (RFC 7644 3.14, RFC 9110 13.1). */
#include "gw/gw_priv.h"

static struct strv
opaque_tag(struct strv t)
{
	t = strv_trim(t);
	/* SCIM tags are weak and yet used with If-Match; only the opaque part is compared (standards.md P53). */
	if (strv_casestarts(t, STRV("W/"))) {
		t.p += 2;
		t.n -= 2;
	}
	return t;
}

/* version NULL: only * is found. */
static bool
tag_list_has(const char *header, const char *version)
{
	struct strv rest = strv_of(header);
	struct strv want = opaque_tag(strv_of(version));
	while (rest.n > 0) {
		size_t comma = strv_chr(rest, ',');
		struct strv one = strv_trim(strv_n(rest.p, comma));
		if (strv_eq(one, STRV("*")) || (want.n > 0 && strv_eq(opaque_tag(one), want)))
			return true;
		size_t step = comma < rest.n ? comma + 1 : rest.n;
		rest = strv_n(rest.p + step, rest.n - step);
	}
	return false;
}

int
gw_if_match(struct gw_run *run, const struct dir_entry *en, struct err *e)
{
	const char *header = run->q->if_match;
	if (!header || tag_list_has(header, map_version(&run->m, en)))
		return 0;
	return err_set(e, ERR_PRECONDITION, "the %s has changed since the version in If-Match; read it again",
		       run->type->name);
}

bool
gw_none_match(struct gw_run *run, const struct dir_entry *en)
{
	const char *header = run->q->if_none_match;
	return header && tag_list_has(header, map_version(&run->m, en));
}

int
gw_none_match_write(struct gw_run *run, const struct dir_entry *en, struct err *e)
{
	if (!gw_none_match(run, en))
		return 0;
	return err_set(e, ERR_PRECONDITION, "the %s exists in a version that If-None-Match excludes", run->type->name);
}

/* If-None-Match is not looked at here: "create it unless it is there" is what a POST means anyway. */
int
gw_if_match_new(struct gw_run *run, struct err *e)
{
	if (!run->q->if_match || tag_list_has(run->q->if_match, NULL))
		return 0;
	return err_set(e, ERR_PRECONDITION, "If-Match names a version, but a new %s has none yet", run->type->name);
}

const char *const *
gw_version_attrs(struct gw_run *run)
{
	const struct dir_flavour *f = run->m.caps->flavour;
	const char *const all[] = {f->id_attr, f->version_attr, f->modified_attr, "modifiersName"};
	const char **attrs = ARENA_ARRAY(run->m.a, ARRAY_SIZE(all) + 1, const char *);
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i])
			attrs[n++] = all[i];
	return attrs;
}

const struct dir_filter *
gw_unchanged(struct gw_run *run, const struct dir_entry *en)
{
	const char *attr = run->m.caps->flavour->version_attr;
	struct strv version = attr ? dir_entry_first(en, attr) : strv_n(NULL, 0);
	if (!version.p)
		return NULL;
	/* refint changes an entry without a new version but as another modifier (directories.md 0.3). */
	struct strv by = dir_entry_first(en, "modifiersName");
	const struct dir_filter *same = dir_f_eq(run->m.a, attr, version);
	return by.p ? dir_f_and2(run->m.a, same, dir_f_eq(run->m.a, "modifiersName", by)) : same;
}

const struct dir_filter *
gw_version_condition(struct gw_run *run, const struct dir_entry *en)
{
	const char *header = run->q->if_match;
	return !header || strv_eq(strv_trim(strv_of(header)), STRV("*")) ? NULL : gw_unchanged(run, en);
}

const struct dir_filter *
gw_is_id(struct gw_run *run, const char *id)
{
	return id ? dir_f_eq(run->m.a, run->m.caps->flavour->id_attr, strv_of(id)) : NULL;
}

const struct dir_filter *
gw_guard(struct gw_run *run, const char *dn, const char *id, const struct dir_filter *more)
{
	struct arena *a = run->m.a;
	if (!id)
		return NULL;
	/* The address says already which entry is meant. */
	if (run->m.caps->flavour->guid_base)
		return more;
	/* Between the read and the write the entry may be renamed and another one take its name. slapd 2.5 lets
	 * overlays inherit the assertion for their own writes and searches on other entries (directories.md 3.1): there
	 * the first half makes it true. */
	const struct dir_filter *here = gw_is_id(run, id);
	const struct dir_filter *all = more ? dir_f_and2(a, here, more) : here;
	return run->m.caps->assertion ? dir_f_or2(a, dir_f_not(a, dir_f_eq(a, "entryDN", strv_of(dn))), all) : all;
}
