/* SPDX-License-Identifier: Apache-2.0
 * PATCH paths: one name with optional brackets and sub-attribute, nothing around it. */
#include "dirhinge/scim/path.h"

#include "filter_parse.h"
#include "name.h"

/* Behind the brackets: ".sub". 1 found, 0 unknown, -1 error. */
static int
parse_sub(struct parse *p, struct scim_path *path, struct err *e)
{
	struct scim_lex_word w = scim_lex_word(&p->l);
	if (scim_name_check(w, ERR_PATH, e))
		return -1;
	if (!path->attr)
		return 0;
	path->sub = scim_attr_sub(path->attr, w.text);
	if (path->sub)
		return 1;
	(void)err_at(e, w.offset, ERR_PATH, "\"%s\" has no sub-attribute \"%.*s\"", path->attr->path,
		     NAME_SHOWN(w.text));
	return 0;
}

/* At '['. The same results. */
static int
parse_selection(struct parse *p, struct scim_path *path, struct err *e)
{
	uint32_t open = scim_lex_offset(&p->l);
	if (path->sub)
		return err_at(e, open, ERR_PATH, "brackets belong behind \"%s\"", path->attr->path);
	/* RFC 7644 3.5.2: a value selection filter chooses among the values of a multi-valued attribute. */
	if (path->attr && !path->attr->multi)
		return err_at(e, open, ERR_PATH, "\"%s\" has one value: brackets cannot select from it",
			      path->attr->path);
	if (scim_filter_brackets(p, path->attr, &path->filter, e))
		return -1;
	int rc = scim_lex_take(&p->l, '.') ? parse_sub(p, path, e) : 1;
	return p->unknown ? 0 : rc;
}

/* 1, 0 with *e saying what is unknown, or -1. An unknown name does not hide a mistake in what follows. */
static int
parse_path(struct parse *p, struct scim_path *path, struct err *e)
{
	struct scim_name name = {0};
	int known = scim_name_resolve(p->c, scim_lex_word(&p->l), ERR_PATH, &name, e);
	/* Without the tolerance the unknown name itself is the error, wherever else the path is wrong. */
	if (known < 0 || (known == 0 && !p->pass_unknown))
		return known;
	path->extension = name.extension;
	path->attr = name.ref.attr;
	path->sub = name.ref.sub;
	if (scim_lex_peek(&p->l) == '[' && !path->extension) {
		int rc = parse_selection(p, path, e);
		if (rc < 0)
			return -1;
		known = known && rc;
	}
	if (!scim_lex_end(&p->l))
		return err_at(e, scim_lex_offset(&p->l), ERR_PATH, "expected the end of the path");
	return known;
}

int
scim_path_parse(struct scim_ctx *c, struct strv text, const struct scim_path **path_r, struct err *e)
{
	struct parse p = {.c = c, .resolve = true};
	struct scim_path *path = ARENA_NEW(c->a, struct scim_path);
	struct err why = ERR_INIT;
	p.pass_unknown = (c->tolerate & SCIM_TOL_UNKNOWN_ATTR) != 0;
	int rc = scim_lex_init(&p.l, c->a, text, SCIM_FILTER_MAX_BYTES, ERR_PATH, &why) ? -1
											: parse_path(&p, path, &why);
	if (rc == 0 && scim_tolerates(c, SCIM_TOL_UNKNOWN_ATTR, arena_strndup(c->a, text.p, text.n)))
		return 0;
	if (rc != 1) {
		if (e)
			*e = why;
		return -1;
	}
	*path_r = path;
	return 1;
}

char *
scim_path_text(struct arena *a, const struct scim_path *p)
{
	if (p->extension)
		return arena_strdup(a, p->extension->urn);
	const char *filter = p->filter ? arena_printf(a, "[%s]", scim_filter_text_in(a, p->filter)) : "";
	/* Without brackets the sub-attribute's own path holds everything. */
	if (p->sub && !p->filter)
		return arena_strdup(a, p->sub->path);
	return arena_printf(a, "%s%s%s%s", p->attr->path, filter, p->sub ? "." : "", p->sub ? p->sub->name : "");
}
