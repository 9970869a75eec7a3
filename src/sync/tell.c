/* SPDX-License-Identifier: Apache-2.0
 * One event: who caused it, its id and text, into the store. */
#include "sync/tell.h"
#include "dirhinge/dir/blob.h"
#include "dirhinge/sync/sync.h"

/* A write of ours is reported by the directory before its answer has reached gw: the wait is for that answer. */
#define CAUSE_WAIT_MS 200

#define FIRST_LOT 64 /* events handed to the store at once */

static void
find_cause(struct seen *s)
{
	const struct observation *o = s->o;
	const char *id = s->was.sync_id ? s->was.id : NULL;
	bool gone = !s->entry;
	if (s->id)
		id = s->id;
	s->cause_known = true;
	if (o->initial || !s->r->causes || !id)
		return;
	struct cause c;
	/* gw names the entry that it writes as it is before the write. */
	const char *key = s->was.sync_id ? s->was.dn_key : s->dn_key;
	deadline_t until = deadline_in(o->coalesced ? 0 : CAUSE_WAIT_MS);
	if (causes_find(s->r->causes, s->a, id, key, o->csn, gone, until, &c) == 1)
		s->cause = c;
}

static void
set_cause(struct seen *s, struct event *ev)
{
	if (!s->cause_known)
		find_cause(s);
	ev->cause.kind = s->cause.client ? "scim" : "external";
	ev->cause.client = s->cause.client;
	ev->cause.request_id = s->cause.request_id;
	ev->cause.actor_dn = s->o->actor_dn;
	ev->cause.initial = s->o->initial;
	ev->cause.coalesced = s->o->coalesced;
}

static const char *
moved_name(enum event_type t)
{
	return t == EVENT_USER_UPDATED ? EVENT_USER_MOVED : EVENT_GROUP_MOVED;
}

static void
note(struct seen *s, enum event_type t, bool counts)
{
	s->r->counted[t] += counts;
	if (s->at_us > s->r->last_change_us)
		s->r->last_change_us = s->at_us;
}

int
sync_seen_tell(struct seen *s, const struct telling *t, struct err *e)
{
	static const char *const members[] = {"members", NULL};
	const struct subject *sub = t->subject;
	struct buf *text = &s->m->text;
	struct event ev = {
		.type = t->type,
		.source = s->r->source,
		.subject_id = sub->id,
		.incarnation = sub->incarnation,
		.csn = t->moved ? arena_printf(s->a, "moved:%s", s->csn) : s->csn,
		.at_us = s->at_us,
		.name = sub->name,
		.data_text = sub->data,
		.omitted = sub->members_left_out ? members : NULL,
		.changed = t->changed,
		.previous = t->previous,
	};
	if (t->member) {
		ev.member.id = t->member->id;
		ev.member.type = t->member->type;
		ev.member.name = t->member->name;
	}
	set_cause(s, &ev);
	const char *id = event_id(s->a, &ev);
	buf_reset(text);
	event_write(text, &ev, id);
	if (text->full) {
		err_set(e, ERR_TOO_LARGE, NULL);
		return err_cause(e, "the event for %s %s would be larger than %zu bytes", event_type_subject(t->type),
				 sub->id, text->limit);
	}
	struct store_event row = {
		.id = id,
		.type = t->moved ? moved_name(t->type) : event_type_name(t->type),
		.subject = sub->id,
		.dn_key = sub->dn_key,
		.old_dn_key = t->member ? t->member->dn_key : sub->old_dn_key,
		.at_us = s->at_us,
		.removal = event_type_removal(t->type),
		.body = buf_view(text),
	};
	if (store_tx_event(s->tx, &row, e) < 0)
		return -1;
	note(s, t->type, !t->moved);
	return 0;
}

/* --- the first refresh ------------------------------------------------------------------------------------------- */

int
sync_seen_tell_first(struct seen *s, enum event_type type, int64_t row, const int64_t *members, size_t n, struct err *e)
{
	struct store_first lot[FIRST_LOT];
	for (size_t i = 0; i < n;) {
		size_t k = 0;
		for (; k < FIRST_LOT && i < n; k++, i++) {
			lot[k] = (struct store_first){event_type_name(type), s->at_us, row, members[i]};
			note(s, type, true);
		}
		if (store_tx_first(s->tx, lot, k, e) < 0)
			return -1;
	}
	return 0;
}

static void
compose_member(struct arena *a, const struct store_state *m, struct event *ev)
{
	bool user = m->kind == STORE_USER;
	ev->member.id = m->id;
	ev->member.type = user ? "User" : "Group";
	ev->member.name = sync_stored_name(a, m);
}

int
sync_compose(struct arena *a, const struct store_told *t, struct store_event *ev_r, struct err *e)
{
	static const char *const members[] = {"members", NULL};
	DH_CLEANUP(buf_done) struct buf text = BUF_INIT(SIZE_MAX);
	const struct store_state *st = t->subject;
	const struct dir_entry *en;
	struct event ev = {
		.source = SYNC_SOURCE,
		.subject_id = st->id,
		.incarnation = st->incarnation,
		.csn = st->csn,
		.at_us = t->at_us,
		.name = sync_stored_name(a, st),
		.data_text = st->resource,
		.omitted = t->member ? members : NULL,
		.cause = {.kind = "external", .initial = true},
	};
	if (!event_type_parse(strv_of(t->type), &ev.type))
		return err_set(e, ERR_INTERNAL, "an event of the unknown type %s", t->type);
	if (dir_blob_read(a, st->entry, &en, e) < 0)
		return err_cause(e, "first state of %s", st->dn);
	ev.cause.actor_dn = dir_entry_first(en, "modifiersName").p;
	if (t->member)
		compose_member(a, t->member, &ev);
	const char *id = event_id(a, &ev);
	event_write(&text, &ev, id);
	*ev_r = (struct store_event){
		.id = id,
		.type = event_type_name(ev.type),
		.subject = st->id,
		.dn_key = st->dn_key,
		.old_dn_key = t->member ? t->member->dn_key : NULL,
		.at_us = t->at_us,
		.body = strv_n(arena_memdup(a, text.p, text.n), text.n),
	};
	return 0;
}
