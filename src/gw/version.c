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

static bool
tag_list_has(const char *header, const char *version)
{
	struct strv rest = strv_of(header);
	struct strv want = opaque_tag(strv_of(version));
	while (rest.n > 0) {
		size_t comma = strv_chr(rest, ',');
		struct strv one = strv_trim(strv_n(rest.p, comma));
		if (strv_eq(one, STRV("*")) || strv_eq(opaque_tag(one), want))
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

const struct dir_filter *
gw_version_assertion(struct gw_run *run, const struct dir_entry *en)
{
	const char *attr = run->m.caps->flavour->version_attr;
	struct strv version = attr ? dir_entry_first(en, attr) : strv_n(NULL, 0);
	const char *id = map_id(&run->m, en);
	const char *header = run->q->if_match;
	if (!header || strv_eq(strv_trim(strv_of(header)), STRV("*")) || !run->m.caps->assertion || !version.p || !id)
		return NULL;
	/* slapd 2.5 lets overlays inherit the assertion for their own writes and searches on other entries; the first
	 * half makes it true there (directories.md 3.1). */
	const char *id_attr = run->m.caps->flavour->id_attr;
	struct arena *a = run->m.a;
	return dir_f_or2(a, dir_f_not(a, dir_f_eq(a, id_attr, strv_of(id))), dir_f_eq(a, attr, version));
}
