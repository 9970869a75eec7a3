/* SPDX-License-Identifier: Apache-2.0
 * Plays what a reader gets of an event. Directives ("off" takes back what one set):
 *   @types a,b        types of events asked for
 *   @filter TEXT      a SCIM filter; "! ERROR" in a case tells of one that is refused
 *   @fence BASE       entries below this normal DN are seen
 *   @subjects users|groups|both
 * A case is "TYPE OLD-DN NEW-DN BODY", "-" for no DN, and gives "same", "nothing" or the event that it is turned into.
 */
#include "dirhinge/event/select.h"
#include "scim_types.h"
#include "vectors.h"

struct state {
	struct arena *a;
	struct event_select s;
	const char *fence;
	struct err refused;
};

static bool
sees(const void *who, const char *dn_key)
{
	const char *base = who;
	size_t n = strlen(dn_key), m = strlen(base);

	return n >= m && str_eq(dn_key + n - m, base);
}

static bool
directive(void *ctx, struct arena *a DH_UNUSED, const char *key, struct strv value)
{
	struct state *st = ctx;
	bool off = strv_eq(value, STRV("off"));

	st->refused = ERR_INIT;
	if (str_eq(key, "types")) {
		st->s.types = 0;
		return off || event_select_types(&st->s, value, &st->refused) == 0 || st->refused.code == ERR_VALUE;
	}
	if (str_eq(key, "filter")) {
		st->s.filtered = false;
		return off || event_select_filter(st->a, &st->s, value, &st->refused) == 0 ||
		       st->refused.code == ERR_FILTER;
	}
	if (str_eq(key, "fence")) {
		st->s.sees = off ? NULL : sees;
		st->s.who = arena_strndup(st->a, value.p, value.n);
		return true;
	}
	if (!str_eq(key, "subjects"))
		return false;
	st->s.users = !strv_eq(value, STRV("groups"));
	st->s.groups = !strv_eq(value, STRV("users"));
	return true;
}

static const char *
word(struct arena *a, struct strv *rest)
{
	size_t n = strv_chr(*rest, ' ');
	const char *w = arena_strndup(a, rest->p, n);

	*rest = n < rest->n ? strv_n(rest->p + n + 1, rest->n - n - 1) : strv_n("", 0);
	return str_eq(w, "-") ? NULL : w;
}

static void
run(void *ctx, const struct vec_case *c, struct buf *out)
{
	struct state *st = ctx;
	struct strv rest = c->input, got = {NULL, 0};
	struct err e = ERR_INIT;

	if (st->refused.code != ERR_OK) {
		vec_err(out, &st->refused);
		return;
	}
	struct event_seen ev = {.type = word(c->a, &rest)};
	ev.old_dn_key = word(c->a, &rest);
	ev.dn_key = word(c->a, &rest);
	ev.body = rest;
	int rc = event_select_match(c->a, &st->s, &ev, &got, &e);
	if (rc < 0)
		vec_err(out, &e);
	else if (rc == 0)
		buf_adds(out, "nothing");
	else if (strv_eq(got, ev.body))
		buf_adds(out, "same");
	else
		buf_addv(out, got);
}

int
main(void)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct scim_types types;
	struct state st = {.a = a, .refused = ERR_INIT};
	struct vec_runner r = {.run = run, .directive = directive, .ctx = &st};

	scim_types_load(a, &types);
	st.s = (struct event_select){.users = true, .groups = true, .user_type = types.user, .group_type = types.group};
	vec_play(&r, "tests/vectors/event/select.txt");
	return vec_summary(&r, "event");
}
