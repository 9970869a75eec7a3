/* SPDX-License-Identifier: Apache-2.0
 * See feed_live.h. */
#include "feed_live.h"

#include <stdio.h>

#include "dirhinge/base/buf.h"

enum { QUIET_MS = 150 };

static const char *const bases[] = {PEOPLE, GROUPS, NULL};
static const char *const attrs[] = {"objectClass", "uid", "cn", "sn", "mail", "description", "member", NULL};

struct dir_feed_opts fl_opts = {.bases = bases, .attrs = attrs};

static struct dir *reader, *writer;
static struct dir_feed *feed;
static char cookie[4096];
static struct dir_change last;

void
fl_check_fails(int rc, enum err_code why, int line)
{
	ck_assert_msg(rc == -1 && e.code == why, "line %d: rc %d, %s not %s: %s | %s", line, rc, err_name(e.code),
		      err_name(why), e.detail, e.cause);
	ck_assert_ptr_null(strstr(e.detail, SUFFIX));
	ck_assert_ptr_null(strstr(e.cause, "gwsecret"));
	ck_assert_int_ne(e.cause[0], '\0');
}

static void
make_feed(void)
{
	struct dir_feed_opts o = fl_opts;

	o.dir = reader;
	cookie[0] = '\0';
	ok(dir_feed_new(&o, &feed, &e));
}

void
fl_begin(const struct live *l)
{
	reader = live_dir((struct dir_opts){0}, l->ldap);
	writer = live_dir((struct dir_opts){0}, l->ldap);
	make_feed();
}

void
fl_begin_tls(const struct live *l)
{
	reader = live_dir((struct dir_opts){.ca_file = live_cert("ca.pem")}, l->ldaps);
	writer = live_dir((struct dir_opts){0}, l->ldap);
	make_feed();
}

void
fl_begin2(const struct live *l, const struct live *m)
{
	reader = live_dir2((struct dir_opts){0}, l->ldap, m->ldap);
	writer = live_dir((struct dir_opts){0}, l->ldap);
	make_feed();
}

void
fl_end(void)
{
	dir_feed_free(&feed);
	dir_free(&reader);
	dir_free(&writer);
	fl_opts = (struct dir_feed_opts){.bases = bases, .attrs = attrs};
}

struct dir_feed *
fl_feed(void)
{
	return feed;
}

struct dir *
fl_writer(void)
{
	return writer;
}

const char *
fl_cookie(void)
{
	return cookie;
}

void
fl_open(const char *from)
{
	ok(dir_feed_open(feed, from ? strv_of(from) : strv_n(NULL, 0), SOON, &e));
}

static void
take(void)
{
	ok(dir_feed_next(feed, a, SOON, &last, &e));
	ck_assert_msg(last.kind != DIR_STALLED, "nothing came");
	if (last.cookie.n == 0)
		return;
	ck_assert_uint_lt(last.cookie.n, sizeof(cookie));
	memcpy(cookie, last.cookie.p, last.cookie.n);
	cookie[last.cookie.n] = '\0';
}

static const char *
line_added(const char *text, const char *more)
{
	return arena_printf(a, "%s%s\n", text, more);
}

static void
note(struct fl_seen *s)
{
	s->n_present += last.kind == DIR_PRESENT ? last.n_ids : 0;
	s->n_ops += last.kind == DIR_OP;
	if (last.kind == DIR_ENTRY) {
		s->n_entries++;
		if (s->n_entries < 100)
			s->dns = line_added(s->dns, last.entry->dn);
	}
	for (size_t i = 0; last.kind == DIR_DELETE && i < last.n_ids; i++) {
		s->n_deletes++;
		s->gone = line_added(s->gone, last.ids[i]);
	}
}

void
fl_refresh(struct fl_seen *s)
{
	*s = (struct fl_seen){.dns = "", .gone = ""};
	take();
	ck_assert_int_eq(last.kind, DIR_BEGIN);
	s->full = last.full;
	for (;;) {
		take();
		if (last.kind == DIR_END)
			break;
		ck_assert_msg(last.cookie.p == NULL, "a cookie in the middle of a refresh");
		ck_assert(last.kind == DIR_ENTRY || last.kind == DIR_PRESENT || last.kind == DIR_DELETE ||
			  last.kind == DIR_OP);
		note(s);
	}
	s->deletes_told = last.deletes_told;
	s->cookie = last.cookie;
}

void
fl_gather(size_t n, struct fl_seen *s)
{
	char before[sizeof(cookie)];

	*s = (struct fl_seen){.dns = "", .gone = ""};
	while (s->n_entries + s->n_deletes + s->n_ops < n) {
		bool same_sid;

		memcpy(before, cookie, sizeof(before));
		take();
		ck_assert_int_ne(last.kind, DIR_BEGIN);
		note(s);
		/* One server: the resume point never goes back. */
		if (last.cookie.n && strlen(before) == strlen(cookie) && strchr(before, ';') == NULL)
			ck_assert_int_ge(dir_csn_compare(cookie + strlen("rid=000,csn="),
							 before + strlen("rid=000,csn="), &same_sid),
					 0);
	}
}

void
fl_again(struct fl_seen *s)
{
	fl_open(arena_strdup(a, cookie));
	fl_refresh(s);
}

const struct dir_change *
fl_next(enum dir_change_kind kind)
{
	do
		take();
	while (last.kind == DIR_COOKIE && kind != DIR_COOKIE);
	ck_assert_msg(last.kind == kind, "a change of kind %d and not %d: %s", (int)last.kind, (int)kind,
		      last.dn ? last.dn : "");
	return &last;
}

void
fl_quiet(void)
{
	deadline_t until = deadline_in(QUIET_MS);
	struct dir_change c;

	do {
		ok(dir_feed_next(feed, a, until, &c, &e));
		ck_assert_msg(c.kind == DIR_STALLED || c.kind == DIR_COOKIE, "a change of kind %d: %s", (int)c.kind,
			      c.dn ? c.dn : "");
	} while (c.kind != DIR_STALLED);
}

void
fl_users(const char *prefix, size_t n)
{
	for (size_t i = 0; i < n; i++)
		live_user(writer, arena_printf(a, "%s%zu", prefix, i));
}

static void
add(const char *dn, const char *class, const char *attr, const char *name, const char *member)
{
	struct dir_mods m;

	dir_mods_init(&m, a);
	dir_mods_value(&m, DIR_MOD_ADD, "objectClass", strv_of(class));
	dir_mods_value(&m, DIR_MOD_ADD, attr, strv_of(name));
	if (member)
		dir_mods_value(&m, DIR_MOD_ADD, "member", strv_of(member));
	ok(dir_add(writer, a, dn, &m, NULL, SOON, &e));
}

void
fl_group(const char *cn, const char *member)
{
	add(arena_printf(a, "cn=%s," GROUPS, cn), "groupOfNames", "cn", cn, member);
}

void
fl_ou(const char *ou, const char *parent)
{
	add(arena_printf(a, "ou=%s,%s", ou, parent), "organizationalUnit", "ou", ou, NULL);
}

void
fl_modify(const char *dn, const char *attr, const char *value)
{
	struct dir_mods m;

	dir_mods_init(&m, a);
	dir_mods_value(&m, DIR_MOD_REPLACE, attr, strv_of(value));
	ok(dir_modify(writer, a, dn, &m, NULL, SOON, &e));
}

void
fl_rename(const char *dn, const char *rdn, const char *parent)
{
	ok(dir_rename(writer, a, dn, rdn, parent, NULL, SOON, &e));
}

void
fl_delete(const char *dn)
{
	ok(dir_delete(writer, a, dn, NULL, SOON, &e));
}

const char *
fl_id(const char *dn)
{
	static const char *const id[] = {"entryUUID", NULL};
	const struct dir_search s = {.base = dn, .scope = DIR_BASE, .attrs = id};
	const struct dir_entry *en = NULL;

	ck_assert_int_eq(dir_search_one(writer, a, &s, SOON, &en, &e), 1);
	return dir_entry_first(en, "entryUUID").p;
}

int
fl_run(const char *name, const TTest *const *tests, size_t n, SFun setup, SFun teardown)
{
	Suite *s = suite_create(name);
	SRunner *sr = srunner_create(s);

	tcase_set_timeout(unit_add_case(s, name, setup, teardown, tests, n), 120);
	srunner_set_fork_status(sr, CK_NOFORK);
	return unit_finish(sr);
}
