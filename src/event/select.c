/* SPDX-License-Identifier: Apache-2.0
 * What one reader gets of one event. The resource is judged before and after it: an event is told as it is if both are
 * the reader's, as created or deleted if only one is, and not at all if none is. So the reader's own picture, made by
 * folding what it got, is always the part of the directory that it may see and asked for. */
#include "dirhinge/event/select.h"

#include "dirhinge/base/json.h"
#include "event/before.h"
#include "event/others.h"

#define BODY_MAX (16 << 20) /* our own text; a group shows few members in it */

struct side {
	bool exists; /* and the fence lets it be seen */
	const json_t *resource;
};

struct view {
	const struct event_select *s;
	enum event_type type;
	bool user;
	bool moved; /* nothing but the DN has changed */
	struct side before, after;
};

static enum event_type
created(const struct view *v)
{
	return v->user ? EVENT_USER_CREATED : EVENT_GROUP_CREATED;
}

static enum event_type
deleted(const struct view *v)
{
	return v->user ? EVENT_USER_DELETED : EVENT_GROUP_DELETED;
}

static bool
wanted(const struct event_select *s, enum event_type t)
{
	return !s->types || s->types & UINT32_C(1) << t;
}

/* Of a membership the group is judged, as it is now: what changed is its list and nothing that a filter may name; and
 * by a fence the member as well. */
static bool
is_membership(enum event_type t)
{
	return t == EVENT_USER_ADDED || t == EVENT_USER_REMOVED;
}

static bool
fence(const struct event_select *s, const char *dn_key)
{
	return !s->sees || (dn_key && s->sees(s->who, dn_key));
}

static bool
filter(const struct view *v, const json_t *resource)
{
	const struct scim_filter *f = v->user ? v->s->user_filter : v->s->group_filter;

	if (!v->s->filtered)
		return true;
	return f && resource && scim_filter_match(v->user ? v->s->user_type : v->s->group_type, f, resource);
}

/* The text is ours: that it cannot be read is no fault of the client's. */
static int
parse_stored(struct arena *a, struct strv body, json_t **event_r, struct err *e)
{
	struct err why = ERR_INIT;

	if (json_parse(a, body, &(struct json_limits){.max_bytes = BODY_MAX}, event_r, &why) == 0)
		return 0;
	(void)err_set(e, ERR_INTERNAL, "what is stored of the feed cannot be read");
	return err_cause(e, "%s at byte %u", why.detail, why.offset);
}

/* Beside what is left out of everybody's event. */
static void
put_omitted(json_t *event, bool user)
{
	json_t *names = json_array();

	(void)json_array_append_new(names, json_string(event_others_path(user)));
	(void)json_object_set_new(event, "omitted", names);
}

/* The event itself, without those whom a fence may hide. user_added tells of each member that may be seen. */
static int
as_it_is(struct arena *a, const struct view *v, struct strv body, struct strv *body_r, struct err *e)
{
	static const char *const parts[] = {"data", "previous"};
	bool cut = false;
	json_t *event;

	if (!v->s->sees || !event_names_others(v->user, body)) {
		*body_r = body;
		return 1;
	}
	if (parse_stored(a, body, &event, e))
		return -1;
	*body_r = body;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const json_t *part = json_object_get(event, parts[i]);
		const json_t *rest = event_without_others(a, v->user, part, &cut);
		/* setting NULL, or what is there, does nothing */
		(void)json_object_set(event, parts[i], (json_t *)(uintptr_t)rest);
	}
	if (!cut)
		return 1;
	put_omitted(event, v->user);
	*body_r = strv_of(json_text(a, event));
	return 1;
}

/* The event as another one: the subject's state in it is the one that the reader saw, or sees first. */
static const char *
turned(struct arena *a, const struct view *v, const json_t *event, enum event_type t, const json_t *data)
{
	static const char *const kept[] = {"timestamp", "source"};
	const char *name_key = v->user ? "userName" : "displayName";
	json_t *out = json_object(), *subject = json_object();
	bool cut = false;

	const char *id = json_string_value(json_object_get(event, "id"));
	(void)json_object_set_new(out, "id",
				  json_string(arena_printf(a, "%s-%s", id ? id : "", t == created(v) ? "in" : "out")));
	(void)json_object_set_new(out, "type", json_string(event_type_name(t)));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		(void)json_object_set(out, kept[i], json_object_get(event, kept[i]));
	(void)json_object_set_new(subject, "type", json_string(event_type_subject(t)));
	(void)json_object_set(subject, "id", json_object_get(json_object_get(event, "subject"), "id"));
	/* setting NULL does nothing */
	(void)json_object_set(subject, name_key, json_object_get(data, name_key));
	(void)json_object_set_new(out, "subject", subject);
	(void)json_object_set(out, "cause", json_object_get(event, "cause"));
	if (v->s->sees)
		data = event_without_others(a, v->user, data, &cut);
	(void)json_object_set(out, "data", (json_t *)(uintptr_t)data);
	(void)json_object_set(out, "omitted", json_object_get(event, "omitted"));
	if (cut)
		put_omitted(out, v->user);
	const char *text = json_text(a, out);
	json_decref(out);
	return text;
}

/* Which event the reader gets, EVENT_N_TYPES for none. */
static enum event_type
outcome(const struct view *v, bool before, bool after)
{
	enum event_type t = before && after ? v->type : before ? deleted(v) : created(v);

	return (before || after) && wanted(v->s, t) ? t : EVENT_N_TYPES;
}

static int
judge(struct arena *a, struct view *v, const struct event_seen *ev, struct strv *body_r, struct err *e)
{
	enum event_type t = v->s->filtered ? v->type : outcome(v, v->before.exists, v->after.exists);
	json_t *event;

	if (t == EVENT_N_TYPES)
		return 0;
	if (v->s->filtered || t != v->type) {
		if (parse_stored(a, ev->body, &event, e))
			return -1;
		v->after.resource = json_object_get(event, "data");
		v->before.resource = is_membership(v->type) ? v->after.resource : event_before(a, event);
		bool before = v->before.exists && filter(v, v->before.resource);
		bool after = v->after.exists && filter(v, v->after.resource);
		t = outcome(v, before, after);
		if (t == EVENT_N_TYPES)
			return 0;
		if (t != v->type) {
			const json_t *data = before ? v->before.resource : v->after.resource;
			*body_r = strv_of(turned(a, v, event, t, data));
			return 1;
		}
	}
	return v->moved ? 0 : as_it_is(a, v, ev->body, body_r, e);
}

static bool
parse_moved(const char *type, struct view *v)
{
	v->moved = str_eq(type, EVENT_USER_MOVED) || str_eq(type, EVENT_GROUP_MOVED);
	v->type = str_eq(type, EVENT_USER_MOVED) ? EVENT_USER_UPDATED : EVENT_GROUP_UPDATED;
	return v->moved;
}

bool
event_select_may(const struct event_select *s, const char *type)
{
	struct view v = {.s = s};

	/* a type of a later version, after a downgrade: nothing is known of it */
	if (!event_type_parse(strv_of(type), &v.type) && !parse_moved(type, &v))
		return false;
	if (v.moved && !s->sees)
		return false;
	v.user = str_eq(event_type_subject(v.type), "User");
	if (!(v.user ? s->users : s->groups))
		return false;
	if (wanted(s, v.type) && !v.moved)
		return true;
	/* only what is there before and after the change can come in or leave */
	bool turns =
		(s->filtered || s->sees) && !is_membership(v.type) && v.type != created(&v) && v.type != deleted(&v);
	return turns && (wanted(s, created(&v)) || wanted(s, deleted(&v)));
}

int
event_select_match(struct arena *a, const struct event_select *s, const struct event_seen *ev, struct strv *body_r,
		   struct err *e)
{
	struct view v = {.s = s};

	if (!event_select_may(s, ev->type))
		return 0;
	if (!s->filtered && !s->sees) {
		*body_r = ev->body;
		return 1;
	}
	if (!event_type_parse(strv_of(ev->type), &v.type))
		(void)parse_moved(ev->type, &v);
	v.user = str_eq(event_type_subject(v.type), "User");
	const char *now = ev->dn_key ? ev->dn_key : ev->old_dn_key;
	const char *then = ev->old_dn_key ? ev->old_dn_key : ev->dn_key;
	v.before.exists = v.type != created(&v) && fence(s, then);
	v.after.exists = v.type != deleted(&v) && fence(s, now);
	if (is_membership(v.type))
		v.before.exists = v.after.exists = fence(s, ev->dn_key) && fence(s, ev->old_dn_key);
	if (!v.before.exists && !v.after.exists)
		return 0;
	return judge(a, &v, ev, body_r, e);
}

int
event_select_resource(struct arena *a, const struct event_select *s, bool user, struct strv text, struct strv *text_r,
		      struct err *e)
{
	bool cut = false;
	json_t *resource;

	if (!s->sees || !event_names_others(user, text)) {
		*text_r = text;
		return 0;
	}
	if (parse_stored(a, text, &resource, e))
		return -1;
	const json_t *rest = event_without_others(a, user, resource, &cut);
	*text_r = cut ? strv_of(json_text(a, rest)) : text;
	return 0;
}
