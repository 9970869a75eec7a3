/* SPDX-License-Identifier: Apache-2.0
 * Bulk (RFC 7644 3.7): runs the operations one by one, each as the single request it stands for, in an order in which
 * the references between them can be resolved. */
#include "dirhinge/scim/bulk.h"

#include "dirhinge/scim/message.h"
#include "gw/gw_priv.h"

/* Every answer comes within 25 s: what has not begun by then is answered with 503. */
#define BULK_MS     20000
/* Names kept for the log line. */
#define NOTES_MAX   100
#define IGNORED_MAX 32

struct bulk {
	struct gw *g;
	struct gw_req *q;
	struct scim_bulk b;
	deadline_t until;
	json_t **results; /* one an operation, NULL = not run; new references */
	struct gw_bulk_failure *failures;
	size_t n_failures, n_run, n_notes, n_ignored;
	const char **ignored;
};

/* --- what single operations have to say for the log ---------------------------------------------------------------
 */

static void
keep_notes(struct bulk *k, const struct gw_req *sub)
{
	struct arena *a = k->q->a;
	for (const struct scim_note *n = sub->notes; n && k->n_notes < NOTES_MAX; n = n->next) {
		struct scim_note *copy = ARENA_NEW(a, struct scim_note);
		*copy = (struct scim_note){n->kind, arena_strdup(a, n->what), k->q->notes};
		k->q->notes = copy;
		k->n_notes++;
	}
	for (const char *const *p = sub->ignored; p && *p && k->n_ignored < IGNORED_MAX; p++) {
		bool known = false;
		for (size_t i = 0; i < k->n_ignored && !known; i++)
			known = str_eq(k->ignored[i], *p);
		if (!known)
			k->ignored[k->n_ignored++] = arena_strdup(a, *p);
	}
	k->q->ignored = k->ignored;
}

/* --- one operation ----------------------------------------------------------------------------------------------- */

static struct gw_req
sub_request(const struct bulk *k, struct arena *a, const struct scim_bulk_op *op)
{
	return (struct gw_req){
		.a = a,
		.who = k->q->who,
		.type = str_eq(op->type->name, "Group") ? GW_GROUPS : GW_USERS,
		.base_url = k->q->base_url,
		.request_id = k->q->request_id,
		.attributes = "id", /* nobody sees more of it */
		.if_match = op->state == SCIM_BULK_HALF ? NULL : op->version,
		.until = k->until,
	};
}

static int
perform(struct bulk *k, struct gw_req *sub, const struct scim_bulk_op *op, const struct scim_bulk_step *s,
	struct gw_result *r, struct err *e)
{
	if (op->state == SCIM_BULK_HALF)
		return gw_patch(k->g, sub, s->target, s->data, r, e);
	switch (op->method) {
	case SCIM_BULK_POST:
		return gw_create(k->g, sub, s->data, r, e);
	case SCIM_BULK_PUT:
		return gw_replace(k->g, sub, s->target, s->data, r, e);
	case SCIM_BULK_PATCH:
		return gw_patch(k->g, sub, s->target, s->data, r, e);
	case SCIM_BULK_DELETE:
		break;
	}
	return gw_delete(k->g, sub, s->target, e);
}

static const char *
status_of(const struct scim_bulk_op *op, const struct gw_result *r)
{
	if (op->method == SCIM_BULK_POST)
		return "201";
	return r->resource.p ? "200" : "204";
}

static void
set_text(json_t *doc, const char *key, const char *text)
{
	if (text)
		json_object_set_new(doc, key, json_string(text));
}

static const char *
location_of(const struct bulk *k, const struct scim_bulk_op *op, const char *id)
{
	return id ? arena_printf(k->q->a, "%s%s/%s", k->q->base_url, op->type->endpoint, id) : NULL;
}

static void
answer(struct bulk *k, const struct scim_bulk_op *op, json_t *doc)
{
	size_t i = (size_t)(op - k->b.ops);
	if (k->results[i])
		json_decref(k->results[i]);
	k->results[i] = doc;
}

static json_t *
answer_head(const struct scim_bulk_op *op)
{
	json_t *doc = json_object();
	set_text(doc, "method", op->method_name);
	set_text(doc, "bulkId", op->bulk_id);
	return doc;
}

static void
succeeded(struct bulk *k, struct scim_bulk_op *op, const struct scim_bulk_step *s, const struct gw_result *r)
{
	const char *id = r->id ? arena_strdup(k->q->a, r->id) : s->target;
	json_t *doc = answer_head(op);
	set_text(doc, "version", r->version);
	set_text(doc, "location", location_of(k, op, id));
	set_text(doc, "status", status_of(op, r));
	answer(k, op, doc);
	scim_bulk_done(op, id);
}

static void
failed(struct bulk *k, struct scim_bulk_op *op, const struct scim_bulk_step *s, const struct err *e)
{
	json_t *doc = answer_head(op);
	/* RFC 7644 3.7: the location stands everywhere but in a failed POST. */
	if (op->type && op->method != SCIM_BULK_POST)
		set_text(doc, "location", location_of(k, op, s->target));
	json_object_set_new(doc, "response", scim_error(e));
	json_object_set_new(doc, "status", json_sprintf("%d", err_http(e->code)));
	answer(k, op, doc);
	k->failures[k->n_failures++] = (struct gw_bulk_failure){
		.index = (size_t)(op - k->b.ops),
		.method = op->method_name,
		.type = op->type ? op->type->name : NULL,
		.err = *e,
	};
	scim_bulk_failed(op);
}

/* A resource that could not get the references it was created for must not stay: its POST is answered as failed. */
static void
take_back(struct bulk *k, struct arena *a, const struct scim_bulk_op *op, struct err *e)
{
	struct err undo = ERR_INIT;
	struct gw_req sub = sub_request(k, a, op);
	sub.until = 0;
	if (gw_delete(k->g, &sub, op->id, &undo) < 0)
		(void)err_cause(e, "%s %s is incomplete and could not be deleted (%s), because", op->type->name, op->id,
				undo.cause);
}

static int
try_op(struct bulk *k, struct arena *a, struct scim_bulk_op *op, struct scim_bulk_step *s, struct gw_result *r,
       struct err *e)
{
	if (scim_bulk_step(&k->b, op, s, e) < 0)
		return -1;
	if (policy_check(k->q->who, POLICY_WRITE, op->type->name, e) < 0)
		return -1;
	if (deadline_left(k->until) == 0)
		return err_set(e, ERR_BUSY, "the time for one Bulk request was over before this operation was tried");
	struct gw_req sub = sub_request(k, a, op);
	int rc = perform(k, &sub, op, s, r, e);
	keep_notes(k, &sub);
	return rc;
}

static void
run_op(struct bulk *k, struct scim_bulk_op *op)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(8192);
	struct scim_bulk_step s = {0};
	struct gw_result r = {0};
	struct err e = ERR_INIT;
	k->n_run += op->state == SCIM_BULK_WAITING;
	if (try_op(k, a, op, &s, &r, &e) == 0) {
		succeeded(k, op, &s, &r);
		return;
	}
	if (op->state == SCIM_BULK_HALF)
		take_back(k, a, op, &e);
	failed(k, op, &s, &e);
}

/* --- the request ------------------------------------------------------------------------------------------------- */

static bool
enough(const struct bulk *k)
{
	return k->b.fail_on_errors > 0 && k->n_failures >= (size_t)k->b.fail_on_errors;
}

static void
run_all(struct bulk *k)
{
	struct scim_bulk_op *op;
	while (!enough(k) && (op = scim_bulk_next(&k->b)))
		run_op(k, op);
	/* Stopped in the middle of a circle. */
	for (size_t i = 0; i < k->b.n; i++)
		if (k->b.ops[i].state == SCIM_BULK_HALF)
			run_op(k, &k->b.ops[i]);
}

/* RFC 7644 3.7.3: operations after the last accepted error are not run and not answered. */
static json_t *
response_of(const struct bulk *k)
{
	json_t *list = json_array();
	for (size_t i = 0; i < k->b.n; i++)
		if (k->results[i])
			json_array_append_new(list, k->results[i]);
	return json_pack("{s:[s], s:o}", "schemas", SCIM_URN_BULK_RESPONSE, "Operations", list);
}

int
gw_bulk(struct gw *g, struct gw_req *q, const json_t *body, struct gw_bulk_result *r, struct err *e)
{
	const struct map_set *set;
	if (gw_ready(g, &set, e) < 0)
		return -1;
	const struct scim_type *const types[] = {map_type(set->users), map_type(set->groups)};
	const struct scim_bulk_opts opts = {types, ARRAY_SIZE(types), q->base_url, GW_BULK_MAX_OPERATIONS};
	struct scim_ctx c = {.a = q->a, .tolerate = q->who->tolerate};
	struct bulk k = {.g = g, .q = q, .until = deadline_in(BULK_MS)};
	if (scim_bulk_parse(&c, body, &opts, &k.b, e) < 0)
		return -1;
	q->notes = c.notes;
	k.results = ARENA_ARRAY(q->a, k.b.n, json_t *);
	k.failures = ARENA_ARRAY(q->a, k.b.n, struct gw_bulk_failure);
	k.ignored = ARENA_ARRAY(q->a, IGNORED_MAX + 1, const char *);
	run_all(&k);
	*r = (struct gw_bulk_result){
		.response = json_keep(q->a, response_of(&k)),
		.n_run = k.n_run,
		.failures = k.failures,
		.n_failures = k.n_failures,
	};
	return 0;
}
