/* SPDX-License-Identifier: Apache-2.0
 * The SCIM operations on the directory: one function and one file each, coordination only. Each is entered once per
 * request from http and enters map, scim and dir. Thread rule: struct gw is locked, any thread; results live in the
 * request's arena. Answers are built from what the directory returned, never from the request. */
#ifndef DIRHINGE_GW_GW_H
#define DIRHINGE_GW_GW_H

#include "dirhinge/map/map.h"
#include "dirhinge/policy/policy.h"

struct causes;
struct gw;

enum gw_delete { GW_DELETE_HARD, GW_DELETE_DISABLE, GW_DELETE_MOVE };

struct gw_opts {
	struct dir *dir;            /* borrowed */
	const struct map_opts *map; /* borrowed */
	enum gw_delete user_delete;
	const char *leavers_base; /* GW_DELETE_MOVE */
	int64_t timeout_ms;       /* whole request on the directory side */
	int64_t max_results;      /* largest page */
	int64_t max_examined;     /* entries read for a filter the directory cannot decide; past it ERR_TOO_MANY */
	struct causes *causes;    /* borrowed: the change feed is told of each write (store/cause.h); NULL = none */
};

struct gw *gw_new(const struct gw_opts *opts);
void gw_free(struct gw **g);

enum gw_type { GW_USERS, GW_GROUPS };

/* What every operation gets. */
struct gw_req {
	struct arena *a;
	const struct principal *who;
	enum gw_type type;
	const char *base_url;
	const char *request_id;            /* for the cause of events; NULL = none */
	const char *attributes, *excluded; /* raw query parameters or NULL */
	const char *if_match;              /* raw header or NULL */
	const char *if_none_match;
	deadline_t until; /* earlier end than gw_opts.timeout_ms, 0 = none */
	/* filled by the operation */
	const struct scim_note *notes; /* tolerated deviations */
	const char *const *ignored;    /* attributes without a home, NULL-terminated, or NULL */
};

struct gw_result {
	struct strv resource; /* as JSON text, projected; p NULL = no body */
	const char *id;
	const char *location;
	const char *version; /* entity tag */
	bool not_modified;   /* If-None-Match matched */
};

/* The maps of the connected directory; loads them at the first success. ERR_UNAVAILABLE while it cannot be reached. */
int gw_ready(struct gw *g, const struct map_set **set_r, struct err *e) DH_MUST_USE;

/* Is the directory there now, and are the maps loaded? For /readyz: one read on a pooled connection. */
int gw_ping(struct gw *g, struct err *e) DH_MUST_USE;

int gw_create(struct gw *g, struct gw_req *q, const json_t *body, struct gw_result *r, struct err *e) DH_MUST_USE;
int gw_get(struct gw *g, struct gw_req *q, const char *id, struct gw_result *r, struct err *e) DH_MUST_USE;
int gw_replace(struct gw *g, struct gw_req *q, const char *id, const json_t *body, struct gw_result *r,
	       struct err *e) DH_MUST_USE;
int gw_patch(struct gw *g, struct gw_req *q, const char *id, const json_t *body, struct gw_result *r,
	     struct err *e) DH_MUST_USE;
int gw_delete(struct gw *g, struct gw_req *q, const char *id, struct err *e) DH_MUST_USE;

/* Bulk (RFC 7644 3.7): as many of these as one request may hold, and its size in bytes. */
#define GW_BULK_MAX_OPERATIONS 500
#define GW_BULK_MAX_PAYLOAD    (4 * 1024 * 1024)

struct gw_bulk_failure {
	size_t index; /* of the operation */
	const char *method, *type;
	struct err err;
};
struct gw_bulk_result {
	json_t *response;
	size_t n_run;
	const struct gw_bulk_failure *failures; /* for the log */
	size_t n_failures;
};
/* Each operation as if it came alone, with the client's rights checked for each. q->type, .attributes and conditions
 * are not used. Fails only if nothing was tried. */
int gw_bulk(struct gw *g, struct gw_req *q, const json_t *body, struct gw_bulk_result *r, struct err *e) DH_MUST_USE;

struct gw_list {
	const char *filter;     /* NULL = all */
	const char *sort_by;    /* attribute, NULL = the directory's order */
	const char *sort_order; /* "ascending" (also NULL), "descending" */
	const char *cursor;     /* RFC 9865; "" = first page; NULL = paging by index */
	int64_t start_index;    /* from 1 */
	int64_t count;          /* < 0 = default */
	unsigned types;         /* 1 << enum gw_type of a query on "/"; 0 = the request's type */
};
/* Page size when the client names none, and how long (seconds) a cursor is good for at least. */
#define GW_DEFAULT_COUNT  100
#define GW_CURSOR_TIMEOUT 300
/* response_r: a ListResponse as JSON text. Pages of one crawl come from one snapshot of ids
 * (contrib/decisions/0009). */
int gw_search(struct gw *g, struct gw_req *q, const struct gw_list *l, struct strv *response_r,
	      struct err *e) DH_MUST_USE;

#endif
