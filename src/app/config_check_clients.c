/* SPDX-License-Identifier: Apache-2.0
 * Checks of the lists: clients and their tokens, receivers of events. Makes the principals. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/config_load.h"
#include "dirhinge/base/codec.h"
#include "dirhinge/crypto/hash.h"
#include "dirhinge/dir/dn.h"
#include "dirhinge/scim/filter.h"

#define TOKEN_MIN_BYTES 16
#define TOKEN_MAX_BYTES 1024 /* as the HTTP side */
#define FENCES_MAX      32

/* RFC 6750 2.1: b64token. What is outside could never arrive in a header. */
static bool
token_valid(struct strv t)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
	size_t n = 0;

	if (t.n < TOKEN_MIN_BYTES || t.n > TOKEN_MAX_BYTES || memchr(t.p, '\0', t.n))
		return false;
	while (n < t.n && strchr(allowed, t.p[n]))
		n++;
	while (n > 0 && n < t.n && t.p[n] == '=')
		n++;
	return n == t.n;
}

static int
read_token(struct config_loading *l, const char *at, struct config_client *cl, struct principal *who, struct err *e)
{
	const char *file_path = arena_printf(l->a, "%s.token_file", at);
	const char *hash_path = arena_printf(l->a, "%s.token_sha256", at);
	struct secret *token;
	struct err why = ERR_INIT;

	if (!cl->token_file == !cl->token_sha256)
		return config_bad(l, file_path, e,
				  cl->token_file
					  ? "is set together with token_sha256; keep one of the two"
					  : "is missing; set it or token_sha256 (dirhinge token create makes one)");
	if (cl->token_sha256) {
		if (hex_decode(strv_of(cl->token_sha256), who->token_sha256, SHA256_SIZE, &why) < 0)
			return config_bad(l, hash_path, e, "must be 64 hex digits, the SHA-256 of the token");
		return 0;
	}
	cl->token_file = config_path(l, cl->token_file);
	if (config_secret(l, file_path, cl->token_file, &token, e) < 0)
		return -1;
	if (!token_valid(secret_view(token)))
		return config_bad(
			l, file_path, e,
			"names %.80s, which holds no token: one line of %d or more letters, digits and -._~+/= "
			"(dirhinge token create makes one)",
			cl->token_file, TOKEN_MIN_BYTES);
	crypto_sha256(secret_view(token), who->token_sha256);
	return 0;
}

static void
join_names(struct buf *out, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		buf_printf(out, "%s%s", i ? ", " : "", names[i]);
}

static int
read_scopes(struct config_loading *l, const char *at, const struct config_client *cl, struct principal *who,
	    struct err *e)
{
	const char *path = arena_printf(l->a, "%s.scopes", at);
	DH_CLEANUP(buf_done) struct buf known = BUF_INIT(256);

	join_names(&known, policy_scope_names);
	for (size_t i = 0; i < cl->scopes.n; i++) {
		unsigned bit = policy_scope_parse(cl->scopes.v[i]);
		if (!bit)
			return config_bad(l, path, e, "has '%.32s'; it must be any of %s", cl->scopes.v[i],
					  buf_str(&known));
		who->scopes |= bit;
	}
	if (!who->scopes)
		return config_bad(l, path, e, "is empty; it must be any of %s", buf_str(&known));
	return 0;
}

/* Whether any user or group can lie below the fence. */
static bool
fence_reaches(struct config_loading *l, const char *fence)
{
	const char *const bases[] = {l->c->user_base, l->c->group_base};

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++)
		if (bases[i] &&
		    (dir_dn_under(l->a, fence, bases[i], true) || dir_dn_under(l->a, bases[i], fence, true)))
			return true;
	return false;
}

static int
read_fences(struct config_loading *l, const char *at, const struct config_client *cl, struct principal *who,
	    struct err *e)
{
	const char *path = arena_printf(l->a, "%s.fences.bases", at);
	const char **keys = ARENA_ARRAY(l->a, cl->fence_bases.n + 1, const char *);
	struct err why = ERR_INIT;

	if (cl->fence_bases.v && cl->fence_bases.n == 0)
		return config_bad(l, path, e, "is empty; leave it out if the client may see everything");
	if (cl->fence_bases.n > FENCES_MAX) /* each one is a search of its own */
		return config_bad(l, path, e, "has more than %d elements", FENCES_MAX);
	for (size_t i = 0; i < cl->fence_bases.n; i++) {
		const char *dn = cl->fence_bases.v[i];
		if (dir_dn_check(dn, &why) < 0)
			return config_why(l, path, &why, e);
		keys[i] = dir_dn_normal(l->a, dn);
		must(keys[i]);
		if (!fence_reaches(l, dn))
			config_warn(l,
				    "%s: \"%.80s\" is neither inside of users.base or groups.base nor around one of "
				    "them, so \"%s\" sees nothing there",
				    path, dn, cl->name);
	}
	who->fences = cl->fence_bases.n ? keys : NULL;
	return 0;
}

int
config_check_clients(struct config_loading *l, struct err *e)
{
	struct config *c = l->c;
	struct principal *who = ARENA_ARRAY(l->a, c->clients.n + 1, struct principal);

	for (size_t i = 0; i < c->clients.n; i++) {
		struct config_client *cl = &c->clients.clients[i];
		const char *at = arena_printf(l->a, "clients[%zu]", i);
		who[i].name = cl->name;
		who[i].profile = cl->profile;
		who[i].deletes_per_hour = cl->deletes_per_hour;
		if (!policy_profile(cl->profile, &who[i].tolerate))
			return config_bad(l, arena_printf(l->a, "%s.profile", at), e, "is '%.32s', which is no profile",
					  cl->profile);
		if (read_token(l, at, cl, &who[i], e) < 0 || read_scopes(l, at, cl, &who[i], e) < 0 ||
		    read_fences(l, at, cl, &who[i], e) < 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (crypto_equal(who[i].token_sha256, who[k].token_sha256, SHA256_SIZE))
				return config_bad(
					l,
					arena_printf(l->a, "%s.%s", at, cl->token_file ? "token_file" : "token_sha256"),
					e, "is the token of '%s' too; give each client its own", who[k].name);
	}
	if (c->clients.n == 0)
		config_warn(l, "clients: there are none, so every request is answered with 401; "
			       "dirhinge token create prints what to add");
	c->principals = who;
	return 0;
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static bool
cidr_valid(const char *s)
{
	unsigned char addr[16];
	char host[64];
	size_t n = strcspn(s, "/");

	if (s[n] != '/' || n >= sizeof(host))
		return false;
	memcpy(host, s, n);
	host[n] = '\0';
	unsigned long max = inet_pton(AF_INET, host, addr) == 1 ? 32 : inet_pton(AF_INET6, host, addr) == 1 ? 128 : 0;
	const char *bits = s + n + 1;
	size_t k = strspn(bits, "0123456789");
	return max && k > 0 && k <= 3 && !bits[k] && strtoul(bits, NULL, 10) <= max;
}

static int
check_url(struct config_loading *l, const char *path, const char *url, bool plain_allowed, struct err *e)
{
	bool tls = strncmp(url, "https://", 8) == 0;
	const char *host = tls ? url + 8 : strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;

	if (!host || !host[0] || host[0] == '/' || url[strcspn(url, " \t\"\\#@")])
		return config_bad(l, path, e, "is '%.80s'; it must be a URL such as https://host/path", url);
	if (!tls && !plain_allowed)
		return config_bad(
			l, path, e,
			"is http://, which is refused; use https:// (a webhook in your own network may also name it in "
			"allow_addresses)");
	return 0;
}

static int
check_event_types(struct config_loading *l, const char *at, const struct conf_strings *types, struct err *e)
{
	size_t n = 0;
	while (config_event_types[n])
		n++;
	for (size_t i = 0; i < types->n; i++) {
		const char *const *t = config_event_types;
		while (*t && !str_eq(*t, types->v[i]))
			t++;
		if (*t)
			continue;
		const char *near = str_nearest(types->v[i], config_event_types, n);
		return config_bad(l, arena_printf(l->a, "%s.types", at), e, "has '%.48s', which is no event type%s%s",
				  types->v[i], near ? "; did you mean " : "; they look like dsync.user.created",
				  near ? near : "");
	}
	return 0;
}

static int
check_webhook(struct config_loading *l, const char *at, struct config_webhook *w, struct err *e)
{
	struct err why = ERR_INIT;
	struct scim_ctx ctx = {.a = l->a}; /* names are resolved when the directory's schema is known */
	const struct scim_filter *f;

	for (size_t i = 0; i < w->allow_addresses.n; i++)
		if (!cidr_valid(w->allow_addresses.v[i]))
			return config_bad(l, arena_printf(l->a, "%s.allow_addresses", at), e,
					  "has '%.48s'; it must be a network such as 10.1.0.0/16 or fd00::/8",
					  w->allow_addresses.v[i]);
	if (check_url(l, arena_printf(l->a, "%s.url", at), w->url, w->allow_addresses.n > 0, e) < 0 ||
	    check_event_types(l, at, &w->types, e) < 0)
		return -1;
	w->secret_file = config_path(l, w->secret_file);
	if (config_secret(l, arena_printf(l->a, "%s.secret_file", at), w->secret_file, NULL, e) < 0)
		return -1;
	if (w->filter && scim_filter_parse(&ctx, strv_of(w->filter), &f, &why) < 0)
		return config_why(l, arena_printf(l->a, "%s.filter", at), &why, e);
	return 0;
}

static int
check_stream(struct config_loading *l, const char *at, struct config_stream *s, struct err *e)
{
	if (s->url && check_url(l, arena_printf(l->a, "%s.url", at), s->url, false, e) < 0)
		return -1;
	s->token_file = config_path(l, s->token_file);
	if (s->token_file && config_secret(l, arena_printf(l->a, "%s.token_file", at), s->token_file, NULL, e) < 0)
		return -1;
	return check_event_types(l, at, &s->types, e);
}

static int
check_sets(struct config_loading *l, struct err *e)
{
	struct config *c = l->c;

	for (size_t i = 0; i < c->push.n; i++)
		if (check_stream(l, arena_printf(l->a, "events.sets.push[%zu]", i), &c->push.streams[i], e) < 0)
			return -1;
	for (size_t i = 0; i < c->poll.n; i++)
		if (check_stream(l, arena_printf(l->a, "events.sets.poll[%zu]", i), &c->poll.streams[i], e) < 0)
			return -1;
	if (!c->set_issuer && !c->set_key_file && c->push.n + c->poll.n == 0)
		return 0;
	if (!c->set_issuer || strncmp(c->set_issuer, "https://", 8) != 0)
		return config_bad(l, "events.sets.issuer", e, "must be an https URL that names this gateway");
	if (!c->set_key_file)
		return config_bad(l, "events.sets.key_file", e, "is missing; name the PEM file of the signing key");
	c->set_key_file = config_path(l, c->set_key_file);
	return config_secret(l, "events.sets.key_file", c->set_key_file, NULL, e);
}

static bool
may_read_events(const struct config_client *client)
{
	for (size_t i = 0; i < client->scopes.n; i++)
		if (str_eq(client->scopes.v[i], "events:read"))
			return true;
	return false;
}

int
config_check_events(struct config_loading *l, struct err *e)
{
	struct config *c = l->c;

	for (size_t i = 0; i < c->webhooks.n; i++)
		if (check_webhook(l, arena_printf(l->a, "events.webhooks[%zu]", i), &c->webhooks.webhooks[i], e) < 0)
			return -1;
	if (check_sets(l, e) < 0)
		return -1;
	if (c->webhooks.n > 0)
		config_warn(l,
			    "events.webhooks: this version posts no events yet; applications read them from /events");
	if (json_object_get(json_object_get(yaml_root(c->doc), "events"), "sets"))
		config_warn(l, "events.sets: this version makes no tokens yet; applications read events from /events");
	c->feed_wanted = json_object_get(yaml_root(c->doc), "events") != NULL;
	for (size_t i = 0; i < c->clients.n && !c->feed_wanted; i++)
		c->feed_wanted = may_read_events(&c->clients.clients[i]);
	return 0;
}
