/* SPDX-License-Identifier: Apache-2.0
 * The JSON form of an event, field by field in the order of DESIGN.md section 3. */
#include <stdio.h>

#include "dirhinge/base/codec.h"
#include "dirhinge/base/json.h"
#include "dirhinge/event/event.h"

static void
string(struct buf *out, const char *s)
{
	struct strv v = strv_of(s);

	if (v.p && utf8_valid(v, NULL))
		json_print_text(out, v);
	else
		buf_adds(out, "null"); /* not UTF-8: nobody could read it */
}

/* ,"name": */
static void
name(struct buf *out, const char *n)
{
	buf_adds(out, ",\"");
	buf_adds(out, n);
	buf_adds(out, "\":");
}

static void
field(struct buf *out, const char *n, const char *value)
{
	if (!value)
		return;
	name(out, n);
	string(out, value);
}

static void
names(struct buf *out, const char *n, const char *const *list)
{
	if (!list)
		return;
	name(out, n);
	buf_addc(out, '[');
	for (size_t i = 0; list[i]; i++) {
		if (i > 0)
			buf_addc(out, ',');
		string(out, list[i]);
	}
	buf_addc(out, ']');
}

/* --- passwords -----------------------------------------------------------------------------------------------------
 */

static bool
is_secret(const char *key)
{
	return str_caseeq(key, "password");
}

static bool
has_secret(const json_t *j)
{
	const char *key;
	const json_t *v;
	size_t i;

	if (json_is_object(j)) {
		/* jansson iterates by an opaque pointer that is not const */
		for (void *it = json_object_iter((json_t *)(uintptr_t)j); it;
		     it = json_object_iter_next((json_t *)(uintptr_t)j, it)) {
			key = json_object_iter_key(it);
			v = json_object_iter_value(it);
			if (is_secret(key) || has_secret(v))
				return true;
		}
		return false;
	}
	json_array_foreach (j, i, v)
		if (has_secret(v))
			return true;
	return false;
}

static void
drop_secrets(json_t *j)
{
	const char *key;
	json_t *v;
	void *next;
	size_t i;

	json_object_foreach_safe (j, next, key, v) {
		if (is_secret(key))
			(void)json_object_del(j, key);
		else
			drop_secrets(v);
	}
	json_array_foreach (j, i, v)
		drop_secrets(v);
}

static void
value(struct buf *out, const char *n, const json_t *j)
{
	name(out, n);
	if (!has_secret(j)) {
		json_print(out, j);
		return;
	}
	json_t *copy = json_deep_copy(j);
	drop_secrets(copy);
	json_print(out, copy);
	json_decref(copy);
}

/* --- the object ----------------------------------------------------------------------------------------------------
 */

/* Six decimals always, so that texts compare like times. */
static void
timestamp(struct buf *out, int64_t us)
{
	char text[32];

	time_to_rfc3339(us, text);
	size_t n = strlen(text);
	if (us % 1000000 == 0)
		buf_printf(out, "%.*s.000000Z", (int)(n - 1), text);
	else
		buf_add(out, text, n);
}

static void
cause(struct buf *out, const struct event *ev)
{
	buf_adds(out, ",\"cause\":{\"kind\":");
	string(out, ev->cause.kind);
	field(out, "client", ev->cause.client);
	field(out, "request_id", ev->cause.request_id);
	field(out, "actor_dn", ev->cause.actor_dn);
	if (ev->cause.coalesced)
		buf_adds(out, ",\"coalesced\":true");
	if (ev->cause.initial)
		buf_adds(out, ",\"initial\":true");
	buf_addc(out, '}');
}

static const char *
name_of(const char *type)
{
	return str_eq(type, "Group") ? "displayName" : "userName";
}

static void
member(struct buf *out, const struct event *ev)
{
	const char *type = ev->member.type ? ev->member.type : "User";

	buf_adds(out, ",\"member\":{\"value\":");
	string(out, ev->member.id);
	field(out, "type", type);
	field(out, name_of(type), ev->member.name);
	buf_addc(out, '}');
}

void
event_write(struct buf *out, const struct event *ev, const char *id)
{
	const char *subject = event_type_subject(ev->type);

	buf_adds(out, "{\"id\":");
	string(out, id);
	field(out, "type", event_type_name(ev->type));
	buf_adds(out, ",\"timestamp\":\"");
	timestamp(out, ev->at_us);
	buf_addc(out, '"');
	field(out, "source", ev->source);
	buf_printf(out, ",\"subject\":{\"type\":\"%s\"", subject);
	field(out, "id", ev->subject_id);
	field(out, name_of(subject), ev->name);
	buf_addc(out, '}');
	cause(out, ev);
	if (ev->member.id)
		member(out, ev);
	if (ev->data_text.p) {
		buf_adds(out, ",\"data\":");
		buf_addv(out, ev->data_text);
	} else if (ev->data)
		value(out, "data", ev->data);
	names(out, "omitted", ev->omitted);
	names(out, "changed", ev->changed);
	if (ev->previous)
		value(out, "previous", ev->previous);
	buf_addc(out, '}');
}

void
event_write_cursor(struct buf *out, struct strv body, const char *cursor)
{
	static const struct strv head = {"{\"id\":\"", 7};
	size_t end = head.n;

	/* Ids hold nothing that JSON escapes, so that the next quote ends it. What does not begin like an event of ours
	 * stays as it is. */
	if (strv_starts(body, head))
		end += strv_chr(strv_n(body.p + head.n, body.n - head.n), '"') + 1;
	if (!strv_starts(body, head) || end >= body.n) {
		buf_addv(out, body);
		return;
	}
	buf_add(out, body.p, end);
	field(out, "cursor", cursor);
	buf_add(out, body.p + end, body.n - end);
}
