/* SPDX-License-Identifier: Apache-2.0
 * The directory as a whole: options checked, pool made, capabilities, health. */
#include "dirhinge/dir/dir.h"

#include <stdio.h>

#include "dir/pool.h"
#include "dirhinge/dir/dn.h"

enum { PING_MS = 5000, POOL_MAX = 256, TIMEOUT_MIN_MS = 100, TIMEOUT_MAX_MS = 5 * 60 * 1000 };

static int
check_login(const struct dir_opts *o, struct err *e)
{
	if (o->sasl_external && o->bind_dn)
		return err_set(e, ERR_CONFIG, "directory.sasl and directory.bind_dn exclude each other");
	if (o->sasl_external)
		return 0;
	if (o->bind_dn == NULL || *o->bind_dn == '\0')
		return err_set(e, ERR_CONFIG, "directory.bind_dn is missing (or set directory.sasl: external)");
	if (dir_dn_check(o->bind_dn, e))
		return err_cause(e, "directory.bind_dn");
	/* RFC 4513 5.1.2: a simple bind with a name and no password succeeds as nobody. */
	if (o->password == NULL || secret_view(o->password).n == 0)
		return err_set(e, ERR_CONFIG, "the password for directory.bind_dn is missing or empty");
	return 0;
}

static int
check_uri(const struct dir_opts *o, const struct uri *u, struct err *e)
{
	if (u->scheme != URI_LDAP || o->start_tls || o->allow_plaintext || u->loopback)
		return 0;
	return err_set(
		e, ERR_CONFIG,
		"\"%s\" would send passwords unencrypted: use ldaps://, or set directory.start_tls: true (or, at "
		"your own risk, directory.allow_plaintext: true)",
		u->text);
}

static int
check_uris(struct arena *a, const struct dir_opts *o, struct uri *uris, struct err *e)
{
	bool tls = false;

	if (o->n_uris == 0)
		return err_set(e, ERR_CONFIG, "directory.uris is empty");
	for (size_t i = 0; i < o->n_uris; i++) {
		if (dir_uri_parse(a, o->uris[i], &uris[i], e) || check_uri(o, &uris[i], e))
			return -1;
		tls |= uris[i].scheme == URI_LDAPS || (uris[i].scheme == URI_LDAP && o->start_tls);
	}
	const struct conn_opts conn = {.ca_file = o->ca_file};

	return tls ? dir_conn_check_tls(&conn, e) : 0;
}

static int
check_numbers(const struct dir_opts *o, struct err *e)
{
	if (o->pool_size < 1 || o->pool_size > POOL_MAX)
		return err_set(e, ERR_CONFIG, "directory.pool_size must be from 1 to %d", POOL_MAX);
	if (o->timeout_ms < TIMEOUT_MIN_MS || o->timeout_ms > TIMEOUT_MAX_MS)
		return err_set(e, ERR_CONFIG, "directory.timeout must be from %d to %d ms", TIMEOUT_MIN_MS,
			       TIMEOUT_MAX_MS);
	return 0;
}

static const char *
keep(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

static struct dir *
assemble(struct arena *a, const struct dir_opts *o, const struct uri *uris, const struct dir_flavour *wanted)
{
	struct dir *d = ARENA_NEW(a, struct dir);

	*d = (struct dir){
		.a = a,
		.conn = {.ca_file = keep(a, o->ca_file),
			 .start_tls = o->start_tls,
			 .allow_plaintext = o->allow_plaintext,
			 .timeout_ms = o->timeout_ms},
		.uris = uris,
		.n_uris = o->n_uris,
		.bind_dn = o->sasl_external ? NULL : keep(a, o->bind_dn),
		.password = o->password,
		.wanted = wanted,
		.pool_size = (size_t)o->pool_size,
		.timeout_ms = o->timeout_ms,
		.slots = ARENA_ARRAY(a, (size_t)o->pool_size + DIR_STREAMS, struct conn),
		.idle = ARENA_ARRAY(a, (size_t)o->pool_size, struct conn *),
		.unused = ARENA_ARRAY(a, (size_t)o->pool_size, struct conn *),
		.spare_slots = ARENA_ARRAY(a, DIR_STREAMS, struct conn *),
		.state = ARENA_ARRAY(a, o->n_uris, struct uri_state),
		.random = (uint64_t)clock_wall_us() | 1,
		.last = ERR_INIT,
	};
	for (size_t i = 0; i < d->pool_size; i++)
		d->unused[d->n_unused++] = &d->slots[i];
	for (size_t i = 0; i < DIR_STREAMS; i++)
		d->spare_slots[d->n_spare_slots++] = &d->slots[d->pool_size + i];
	mutex_init(&d->m);
	dir_gather_init(&d->gather);
	d->end = &d->first;
	return d;
}

int
dir_new(const struct dir_opts *opts, struct dir **d_r, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(8192);
	struct uri *uris = ARENA_ARRAY(a, opts->n_uris ? opts->n_uris : 1, struct uri);
	const struct dir_flavour *wanted;
	struct dir *d;

	dir_conn_setup();
	if (check_numbers(opts, e) || check_uris(a, opts, uris, e) || check_login(opts, e) ||
	    dir_flavour_find(opts->flavour, &wanted, e))
		return -1;
	d = assemble(a, opts, uris, wanted);
	dir_count_setup(d, opts->metrics);
	(void)TAKE(a); /* d lives in it */
	*d_r = d;
	return 0;
}

void
dir_free(struct dir **d)
{
	struct dir *old = TAKE(*d);
	struct arena *a;

	if (old == NULL)
		return;
	must(old->n_idle + old->n_unused == old->pool_size && old->n_spare_slots == DIR_STREAMS);
	for (size_t i = 0; i < old->n_idle; i++)
		dir_conn_close(old->idle[i]);
	for (struct waiter *w = old->newest; w; w = w->older)
		cond_done(&w->woken);
	dir_gather_done(&old->gather);
	mutex_done(&old->m);
	arena_free(&old->caps_arena);
	a = old->a;
	arena_free(&a);
}

int
dir_caps(struct dir *d, const struct dir_caps **caps_r, struct err *e)
{
	const struct dir_caps *caps;
	struct conn *c;

	caps = d->caps;
	if (caps == NULL) {
		if (dir_pool_get(d, dir_pool_deadline(d, deadline_in(d->timeout_ms)), &c, e))
			return err_cause(e, "ask what the directory can do");
		dir_pool_put(d, c);
		caps = d->caps;
	}
	*caps_r = caps;
	return 0;
}

int
dir_ping(struct dir *d, struct err *e)
{
	static const char *const none[] = {"1.1", NULL};
	const struct dir_search s = {.base = "", .scope = DIR_BASE, .attrs = none};
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	const struct dir_entry *en;
	int rc = dir_search_one(d, a, &s, deadline_in(PING_MS), &en, e);

	if (rc < 0)
		return err_cause(e, "ping");
	return rc == 1 ? 0 : err_set(e, ERR_UNAVAILABLE, "the directory does not show its rootDSE");
}

void
dir_get_stats(struct dir *d, struct dir_stats *s_r)
{
	int64_t shared, gathering;

	dir_gather_get_stats(&d->gather, &shared, &gathering);
	mutex_lock(&d->m);
	*s_r = d->stats;
	s_r->shared = shared;
	s_r->gathering = gathering;
	s_r->open = (int64_t)(d->pool_size - d->n_unused);
	s_r->idle = (int64_t)d->n_idle;
	s_r->apart = (int64_t)(DIR_STREAMS - d->n_spare_slots);
	snprintf(s_r->uri, sizeof(s_r->uri), "%s", d->uris[d->current].text);
	mutex_unlock(&d->m);
}

int
dir_try_bind(struct dir *d, const char *dn, struct strv password, deadline_t until, struct err *e)
{
	const struct conn_login login = {dn, password};
	deadline_t end = dir_pool_deadline(d, until);
	struct conn c = {0};
	struct err refused = ERR_INIT;
	int rc = -1;

	/* RFC 4513 5.1: without a name or a password the directory may say yes to nobody in particular. */
	if (dn == NULL || *dn == '\0' || password.n == 0)
		return 0;
	for (size_t i = 0; i < d->n_uris && rc < 0; i++) {
		if (dir_conn_open(&c, &d->conn, &d->uris[i], end, e))
			continue;
		rc = dir_conn_bind(&c, &login, end, &refused);
		c.broken |= rc < 0;
		dir_conn_close(&c);
		if (rc < 0 && e)
			*e = refused;
	}
	return rc;
}
