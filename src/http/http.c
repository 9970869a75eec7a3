/* SPDX-License-Identifier: Apache-2.0
 * Life of the HTTP side: start, clients, places for requests in flight, drain. */
#include "dirhinge/http/http.h"

#include "dirhinge/base/file.h"
#include "dirhinge/base/room.h"
#include "dirhinge/base/secret.h"
#include "dirhinge/crypto/hash.h"
#include "http_priv.h"
#include "server.h"

/* For a stream's last piece when the server ends; a client that does not read would hold it up. */
#define STREAM_END_MS 2000

/* Events or resources on long pages that are being made, a few kB each; up to so many a page does not count. */
#define PAGES_AT_ONCE 1000
#define PAGE_SHORT    100
#define PAGE_WAIT_MS  20000

#define PEM_MAX (256u * 1024)

/* reliability.md T-15 */
const struct conn_limits http_default_limits = {
	.header_ms = 10000, .body_ms = 60000, .reply_ms = 60000, .idle_ms = 30000};

static const char *const *
strings_copy(struct arena *a, const char *const *v)
{
	size_t n = 0;
	while (v && v[n])
		n++;
	const char **copy = v ? ARENA_ARRAY(a, n + 1, const char *) : NULL;
	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(a, v[i]);
	return copy;
}

static struct clients *
clients_new(const struct principal *v, size_t n)
{
	struct arena *a = arena_new(1024);
	struct clients *c = ARENA_NEW(a, struct clients);
	c->a = a;
	c->refs = 1;
	c->sha256 = crypto_digest_new(a);
	c->n = n;
	c->v = ARENA_ARRAY(a, n + 1, struct principal);
	for (size_t i = 0; i < n; i++) {
		c->v[i] = v[i];
		c->v[i].name = arena_strdup(a, v[i].name);
		c->v[i].profile = arena_strdup(a, v[i].profile);
		c->v[i].fences = strings_copy(a, v[i].fences);
	}
	return c;
}

struct clients *
http_clients_get(struct http *h)
{
	mutex_lock(&h->lock);
	struct clients *c = h->clients;
	c->refs++;
	mutex_unlock(&h->lock);
	return c;
}

void
http_clients_put(struct http *h, struct clients **cp)
{
	struct clients *c = *cp;
	if (!c)
		return;
	*cp = NULL;
	mutex_lock(&h->lock);
	bool last = --c->refs == 0;
	mutex_unlock(&h->lock);
	if (!last)
		return;
	struct arena *a = c->a;
	arena_free(&a);
}

void
http_set_clients(struct http *h, const struct principal *clients, size_t n_clients)
{
	struct clients *fresh = clients_new(clients, n_clients);
	mutex_lock(&h->lock);
	struct clients *old = h->clients;
	h->clients = fresh;
	mutex_unlock(&h->lock);
	http_clients_put(h, &old);
}

static size_t
room_of(int64_t limit)
{
	return limit > PAGE_SHORT ? (size_t)limit : 0;
}

int
http_page_enter(struct http *h, int64_t limit, struct err *e)
{
	if (room_enter(h->room, room_of(limit), deadline_in(PAGE_WAIT_MS)))
		return 0;
	return err_set(e, ERR_BUSY, "too many long pages are asked for; try again, or with a smaller limit");
}

void
http_page_leave(struct http *h, int64_t limit)
{
	room_leave(h->room, room_of(limit));
}

struct arena *
http_arena_get(struct http *h, unsigned char id[HTTP_ID_SIZE])
{
	mutex_lock(&h->lock);
	struct arena *a = h->n_spare > 0 ? h->spare[--h->n_spare] : NULL;
	if (h->n_ids == 0) { /* a system call for each would cost more than all else here */
		crypto_random(h->ids, sizeof h->ids);
		h->n_ids = ARRAY_SIZE(h->ids);
	}
	memcpy(id, h->ids[--h->n_ids], HTTP_ID_SIZE);
	mutex_unlock(&h->lock);
	return a ? a : arena_new(HTTP_ARENA_SIZE);
}

void
http_arena_put(struct http *h, struct arena **ap)
{
	struct arena *a = TAKE(*ap);
	arena_reset(a);
	mutex_lock(&h->lock);
	if (h->n_spare < ARRAY_SIZE(h->spare))
		h->spare[h->n_spare++] = TAKE(a);
	mutex_unlock(&h->lock);
	arena_free(&a);
}

void
http_request_open(struct http *h)
{
	mutex_lock(&h->lock);
	h->open++;
	mutex_unlock(&h->lock);
}

void
http_request_done(struct http *h)
{
	mutex_lock(&h->lock);
	if (--h->open == 0)
		cond_broadcast(&h->changed);
	mutex_unlock(&h->lock);
}

bool
http_enter(struct http *h)
{
	mutex_lock(&h->lock);
	bool free_place = h->in_flight < h->opts.max_in_flight;
	if (free_place)
		h->in_flight++;
	mutex_unlock(&h->lock);
	if (!free_place)
		metric_add(h->counters.shed, 1, NULL);
	return free_place;
}

void
http_leave(struct http *h)
{
	mutex_lock(&h->lock);
	h->in_flight--;
	mutex_unlock(&h->lock);
}

static int64_t *
readers_of(struct http *h, enum reader kind)
{
	return kind == READER_STREAM ? &h->streams : &h->waiters;
}

int
http_reader_enter(struct http *h, enum reader kind, struct err *e)
{
	mutex_lock(&h->lock);
	bool free_place = h->waiters + h->streams < h->opts.max_streams;
	if (free_place)
		++*readers_of(h, kind);
	mutex_unlock(&h->lock);
	return free_place ? 0 : err_set(e, ERR_BUSY, "too many readers of events; try again");
}

void
http_reader_leave(struct http *h, enum reader kind)
{
	mutex_lock(&h->lock);
	--*readers_of(h, kind);
	mutex_unlock(&h->lock);
}

bool
http_clients_current(struct http *h, const struct clients *c)
{
	mutex_lock(&h->lock);
	bool current = !c || h->clients == c;
	mutex_unlock(&h->lock);
	return current;
}

bool
http_draining(struct http *h)
{
	mutex_lock(&h->lock);
	bool draining = h->draining;
	mutex_unlock(&h->lock);
	return draining;
}

const char *
http_address(const struct http *h)
{
	return h->listen.address;
}

static int
load_tls(struct http *h, struct server_opts *o, struct err *e)
{
	struct strv cert, ca;
	if (!h->opts.tls_cert_file && !h->opts.tls_key_file) {
		if (h->opts.tls_client_ca_file)
			return err_set(e, ERR_CONFIG, "tls.client_ca_file needs certificate_file and key_file");
		return 0;
	}
	if (!h->opts.tls_cert_file || !h->opts.tls_key_file)
		return err_set(e, ERR_CONFIG, "tls needs both certificate_file and key_file");
	if (file_read(h->a, h->opts.tls_cert_file, PEM_MAX, &cert, e) < 0 ||
	    secret_load(h->opts.tls_key_file, &h->tls_key, e) < 0)
		return -1;
	o->tls_cert = cert.p;
	o->tls_key = secret_view(h->tls_key).p;
	if (!h->opts.tls_client_ca_file)
		return 0;
	if (file_read(h->a, h->opts.tls_client_ca_file, PEM_MAX, &ca, e) < 0)
		return -1;
	o->tls_client_ca = ca.p;
	return 0;
}

static char *
copy_or_null(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

static struct http *
http_new(const struct http_opts *opts)
{
	struct arena *a = arena_new(4096);
	struct http *h = ARENA_NEW(a, struct http);
	h->a = a;
	h->opts = *opts;
	h->opts.listen = arena_strdup(a, opts->listen);
	h->opts.base_path = arena_strdup(a, opts->base_path ? opts->base_path : "");
	h->opts.external_url = copy_or_null(a, opts->external_url);
	h->opts.tls_cert_file = copy_or_null(a, opts->tls_cert_file);
	h->opts.tls_key_file = copy_or_null(a, opts->tls_key_file);
	h->opts.tls_client_ca_file = copy_or_null(a, opts->tls_client_ca_file);
	h->opts.feed_off = copy_or_null(a, opts->feed_off);
	h->opts.clients = NULL;
	h->opts.n_clients = 0;
	h->listen.fd = -1;
	h->room = room_new(h->a, PAGES_AT_ONCE);
	mutex_init(&h->lock);
	cond_init(&h->changed);
	h->clients = clients_new(opts->clients, opts->n_clients);
	if (opts->face == HTTP_SCIM)
		http_count_setup(&h->counters, opts->metrics);
	return h;
}

static void
http_free(struct http **hp)
{
	struct http *h = *hp;
	if (!h)
		return;
	http_server_stop(&h->server);
	http_listen_close(&h->listen);
	secret_free(&h->tls_key);
	http_clients_put(h, &h->clients);
	while (h->n_spare > 0)
		arena_free(&h->spare[--h->n_spare]);
	cond_done(&h->changed);
	mutex_done(&h->lock);
	room_done(h->room);
	struct arena *a = h->a;
	*hp = NULL;
	arena_free(&a);
}

int
http_start_limits(const struct http_opts *opts, const struct conn_limits *limits, struct http **h_r, struct err *e)
{
	DH_CLEANUP(http_free) struct http *h = http_new(opts);
	static const char *const options[] = {
		[HTTP_SCIM] = "server.listen", [HTTP_ADMIN] = "admin.listen", [HTTP_LOCAL] = "state_dir"};
	const struct listen_wish wish = {
		.option = options[opts->face],
		.text = h->opts.listen,
		.inherit = opts->face == HTTP_SCIM,
	};
	struct server_opts so = {
		.max_connections = opts->max_connections, .idle_ms = limits->idle_ms, .limits = *limits};
	if (load_tls(h, &so, e) < 0 || http_listen_open(&wish, &h->listen, e) < 0)
		return -1;
	so.fd = h->listen.fd;
	h->listen.fd = -1; /* the server's now */
	if (http_server_start(&so, h, &h->server, e) < 0)
		return -1;
	if (opts->face == HTTP_SCIM)
		http_count_pull(h, opts->metrics);
	*h_r = TAKE(h);
	return 0;
}

int
http_start(const struct http_opts *opts, struct http **h_r, struct err *e)
{
	return http_start_limits(opts, &http_default_limits, h_r, e);
}

void
http_stop(struct http **hp, int64_t grace_ms)
{
	struct http *h = *hp;
	if (!h)
		return;
	deadline_t until = deadline_in(grace_ms);
	mutex_lock(&h->lock);
	h->draining = true;
	mutex_unlock(&h->lock);
	if (h->opts.store)
		store_wake_all(h->opts.store);
	http_conns_hurry(http_server_conns(h->server), STREAM_END_MS);
	/* removed before it is closed: a successor that finds it dead puts its own in this place */
	http_listen_close(&h->listen);
	http_server_quiesce(h->server);
	mutex_lock(&h->lock);
	while (h->open > 0 && cond_wait_until(&h->changed, &h->lock, until))
		continue;
	mutex_unlock(&h->lock);
	http_free(hp);
}
