/* SPDX-License-Identifier: Apache-2.0
 * What a reader asks for: types of events and a filter, checked before anything is read. */
#include "dirhinge/event/select.h"

static int
unknown_type(struct strv name, struct err *e)
{
	DH_CLEANUP(buf_done) struct buf known = BUF_INIT(1024);

	for (int t = 0; t < EVENT_N_TYPES; t++)
		buf_printf(&known, "%s%s", t ? ", " : "", event_type_name((enum event_type)t));
	return err_set(e, ERR_VALUE, "there is no event type \"%.*s\"; the types are %s",
		       (int)(name.n < 40 ? name.n : 40), name.n ? name.p : "", buf_str(&known));
}

int
event_select_types(struct event_select *s, struct strv list, struct err *e)
{
	uint32_t types = 0;
	bool more = true;

	while (more) {
		size_t n = strv_chr(list, ',');
		struct strv name = strv_trim(strv_n(list.p, n));
		enum event_type t;
		if (!event_type_parse(name, &t))
			return unknown_type(name, e);
		types |= UINT32_C(1) << t;
		more = n < list.n;
		if (more)
			list = strv_n(list.p + n + 1, list.n - n - 1);
	}
	s->types = types;
	return 0;
}

/* The list of members is left out of big groups, and a user's groups of every user: a filter on them would find
 * something else with each event. */
static bool
is_told(void *ctx, const struct scim_filter *node)
{
	const struct scim_filter **bad = ctx;
	const struct scim_attr *attr = node->ref.attr;

	if (attr && (str_eq(attr->path, "members") || str_eq(attr->path, "groups")))
		*bad = node;
	return *bad == NULL;
}

struct attempt {
	const struct scim_type *type; /* NULL: not known */
	const struct scim_filter *f;  /* NULL: does not fit */
	struct err e;
	int rank; /* of the error: the higher tells the client more */
};

static void
parse(struct arena *a, struct attempt *t, struct strv text)
{
	struct scim_ctx c = {.a = a, .type = t->type, .tolerate = SCIM_TOL_STRICT};
	const struct scim_filter *f, *bad = NULL;

	t->rank = -1;
	if (!t->type)
		return;
	if (scim_filter_parse(&c, text, &f, &t->e)) {
		t->rank = t->e.offset == ERR_NO_OFFSET ? 0 : (int)t->e.offset; /* right for so long */
		return;
	}
	(void)scim_filter_visit(f, is_told, &bad);
	if (!bad) {
		t->f = f;
		return;
	}
	t->rank = INT32_MAX;
	(void)err_at(&t->e, bad->offset, ERR_FILTER,
		     "events cannot be filtered by %s; ask for the types dsync.group.user_added and user_removed",
		     bad->ref.attr->path);
}

int
event_select_filter(struct arena *a, struct event_select *s, struct strv text, struct err *e)
{
	struct attempt user = {.type = s->user_type, .e = ERR_INIT}, group = {.type = s->group_type, .e = ERR_INIT};

	if (!s->user_type && !s->group_type)
		return err_set(e, ERR_UNAVAILABLE, "the directory's schema is not known yet; try again");
	parse(a, &user, text);
	parse(a, &group, text);
	if (!user.f && !group.f) {
		if (e)
			*e = group.rank > user.rank ? group.e : user.e;
		return -1;
	}
	s->user_filter = user.f;
	s->group_filter = group.f;
	s->filtered = true;
	return 0;
}
