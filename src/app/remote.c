/* SPDX-License-Identifier: Apache-2.0
 * The command line's side of the admin API. */
#include "app/remote.h"

#include "app/config.h"
#include "app/wire.h"

#define ANSWER_MAX  (64u * 1024 * 1024)
#define SILENT_MS   60000
#define LONG_MS     (11 * 60 * 1000) /* a reconciliation answers when it is done */
#define ERROR_DEPTH 8

int
remote_open(struct arena *a, const struct cli_args *args, struct remote *r_r, struct err *e)
{
	const struct config *cfg;
	if (config_load(a, args->config_file, &cfg, e) < 0)
		return -1;
	*r_r = (struct remote){a, app_socket(a, cfg)};
	return 0;
}

/* RFC 3986 2.3 */
static const char *
encode(struct arena *a, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	char *out = arena_alloc(a, 3 * strlen(text) + 1), *p = out;
	for (; *text; text++) {
		if (strchr(plain, *text)) {
			*p++ = *text;
			continue;
		}
		static const char hex[] = "0123456789ABCDEF";
		*p++ = '%';
		*p++ = hex[(unsigned char)*text >> 4];
		*p++ = hex[(unsigned char)*text & 15];
	}
	return out;
}

const char *
remote_target(struct arena *a, const char *path, const char *const *pairs)
{
	const char *out = path;
	for (bool first = true; *pairs; pairs += 2) {
		if (!pairs[1])
			continue;
		out = arena_printf(a, "%s%s%s%s%s", out, first ? "?" : "&", pairs[0], "=", encode(a, pairs[1]));
		first = false;
	}
	return out;
}

int
remote_failed(struct arena *a, int status, struct strv body, struct err *e)
{
	static const struct {
		int status;
		enum err_code code;
	} codes[] = {
		{400, ERR_VALUE}, {404, ERR_NOT_FOUND},       {409, ERR_CONFLICT},
		{410, ERR_GONE},  {501, ERR_NOT_IMPLEMENTED}, {503, ERR_UNAVAILABLE},
	};
	const struct json_limits limits = {.max_depth = ERROR_DEPTH};
	enum err_code code = ERR_IO;
	json_t *j = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].status == status)
			code = codes[i].code;
	struct err bad = ERR_INIT;
	const char *detail = NULL;
	if (json_parse(a, body, &limits, &j, &bad) == 0)
		detail = json_string_value(json_object_get(j, "detail"));
	if (!detail)
		return err_set(e, ERR_IO, "the daemon answered with status %d", status);
	return err_set(e, code, "%s", detail);
}

int
remote_call(const struct remote *r, const char *method, const char *target, json_t *body, json_t **answer_r,
	    struct err *e)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(ANSWER_MAX);
	const struct json_limits limits = {.max_bytes = ANSWER_MAX};
	struct net_local q = {.socket = r->socket,
			      .method = method,
			      .target = target,
			      .timeout_ms = str_eq(method, "POST") ? LONG_MS : SILENT_MS};
	int status = 0;
	if (body)
		q.body = strv_of(json_text(r->a, json_keep(r->a, body)));
	if (net_local_call(&q, &status, &out, e) < 0)
		return -1;
	if (status < 200 || status > 299)
		return remote_failed(r->a, status, buf_view(&out), e);
	return json_parse(r->a, buf_view(&out), &limits, answer_r, e);
}
