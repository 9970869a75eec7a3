/* SPDX-License-Identifier: Apache-2.0
 * See observe_world.h. */
#include "observe_world.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dirhinge/base/codec.h"
#include "dirhinge/sync/sync.h"
#include "map_fixture.h"

#define NOW_US INT64_C(1798761600000000) /* after all CSNs */

struct world {
	struct arena *a;
	struct map_opts opts;
	const struct dir_caps *caps;
	const struct map_set *set;
	struct store *store;
	struct sync_run run;
	int64_t read; /* events printed so far */
	char dir[64];
};

static void
must_ok(int rc, const struct err *e)
{
	if (rc < 0) {
		fprintf(stderr, "%s | %s\n", e->detail, e->cause);
		abort();
	}
}

struct world *
world_open(void)
{
	struct arena *a = arena_new(1 << 16);
	struct world *w = ARENA_NEW(a, struct world);
	struct err e = ERR_INIT;

	w->a = a;
	w->caps = map_fixture_caps(a, "");
	w->opts = map_fixture_opts();
	must_ok(map_load(a, &w->opts, w->caps, &w->set, &e), &e);
	snprintf(w->dir, sizeof(w->dir), "/tmp/dirhinge-observe.XXXXXX");
	if (!mkdtemp(w->dir))
		abort();
	const struct store_opts so = {
		.dir = arena_printf(a, "%s/state", w->dir), .retention_ms = 86400000, .compose = sync_compose};
	must_ok(store_open(&so, &w->store, &e), &e);
	w->run = (struct sync_run){
		.store = w->store,
		.source = "main",
		.now_us = NOW_US,
		.recheck = sync_ids_new(),
		.map = {.caps = w->caps, .set = w->set, .base_url = "/scim/v2", .now_us = NOW_US},
	};
	return w;
}

static int
remove_one(const char *path, const struct stat *st DH_UNUSED, int flag DH_UNUSED, struct FTW *ftw DH_UNUSED)
{
	return remove(path);
}

void
world_close(struct world **wp)
{
	struct world *w = *wp;
	struct arena *a = w->a;
	sync_run_done(&w->run);
	sync_ids_free(&w->run.recheck);
	store_close(&w->store);
	nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	arena_free(&a);
	*wp = NULL;
}

struct store *
world_store(struct world *w)
{
	return w->store;
}

const struct dir_caps *
world_caps(struct world *w)
{
	return w->caps;
}

const struct map_set *
world_maps(struct world *w)
{
	return w->set;
}

/* "u1" in the last bytes: it can be read back. */
void
world_id(const char *name, char id[37])
{
	unsigned char raw[16] = {0x01, 0x90};
	raw[6] = 0x70;
	raw[8] = 0x80;
	for (size_t i = 0; name[i] && i < 6; i++)
		raw[10 + i] = (unsigned char)name[i];
	uuid_format(raw, id);
}

static const char *
name_of(struct arena *a, const char *id)
{
	unsigned char raw[16];
	if (!id || uuid_parse(strv_of(id), raw, NULL) < 0)
		return "?";
	return arena_strndup(a, (char *)raw + 10, 6);
}

/* --- reading a step ---------------------------------------------------------------------------------------------- */

static bool
next_line(struct strv *rest, struct strv *line_r)
{
	if (rest->n == 0)
		return false;
	size_t n = strv_chr(*rest, '\n');
	*line_r = strv_n(rest->p, n);
	*rest = n < rest->n ? strv_n(rest->p + n + 1, rest->n - n - 1) : STRV("");
	return true;
}

static const struct dir_entry *
entry_of(struct arena *a, const struct world_step *st, const char *id, const char *csn)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 24);
	buf_addv(&b, st->text);
	buf_printf(&b, "%sentryUUID: %s", st->text.n ? "\n" : "", id);
	if (csn)
		buf_printf(&b, "\nentryCSN: %s", csn);
	return map_fixture_entry(a, strv_of(arena_strdup(a, buf_str(&b))));
}

/* "attr:+ value" as slapo-accesslog writes it. */
static bool
add_mod(struct dir_mods *mods, struct strv line)
{
	size_t colon = strv_chr(line, ':');
	if (colon + 1 >= line.n)
		return false;
	const char *attr = arena_strndup(mods->a, line.p, colon);
	char op = line.p[colon + 1];
	bool whole = colon + 2 == line.n;
	struct strv value = whole ? STRV("") : strv_n(line.p + colon + 3, line.n - colon - 3);
	if (op == '=' || (op == '-' && whole)) {
		dir_mods_replace(mods, attr, &value, whole ? 0 : 1);
		return true;
	}
	if (op != '+' && op != '-')
		return false;
	dir_mods_value(mods, op == '+' ? DIR_MOD_ADD : DIR_MOD_DELETE, attr, value);
	return true;
}

static bool
read_op(struct arena *a, struct world *w, const struct world_step *st, struct dir_op *op, const char *id,
	const char *csn, struct err *e)
{
	struct store_state known;
	struct dir_mods *mods = ARENA_NEW(a, struct dir_mods);
	struct strv rest = st->text, line;
	*op = (struct dir_op){.kind = DIR_OP_MODIFY, .mods = mods};
	dir_mods_init(mods, a);
	if (str_eq(st->what, "add")) {
		op->kind = DIR_OP_ADD;
		op->added = entry_of(a, st, id, csn);
		op->dn = op->added ? op->added->dn : NULL;
		return op->added;
	}
	op->dn = store_state_get(w->store, a, id, &known, e) == 1 ? known.dn : "cn=nobody";
	if (str_eq(st->what, "delete"))
		op->kind = DIR_OP_DELETE;
	while (next_line(&rest, &line)) {
		if (strv_starts(line, STRV("dn: ")) && str_eq(st->what, "rename")) {
			op->kind = DIR_OP_RENAME;
			op->new_dn = arena_strndup(a, line.p + 4, line.n - 4);
		} else if (!add_mod(mods, line)) {
			return false;
		}
	}
	if (csn)
		dir_mods_replace(mods, "entryCSN", &(struct strv){csn, strlen(csn)}, 1);
	return true;
}

/* --- what came of it --------------------------------------------------------------------------------------------- */

struct printing {
	struct world *w;
	struct arena *a;
	bool data;
	struct buf *out;
};

static void
print_changed(const struct printing *p, const json_t *ev)
{
	size_t i;
	json_t *path;
	buf_adds(p->out, " [");
	json_array_foreach (json_object_get(ev, "changed"), i, path)
		buf_printf(p->out, "%s%s", i ? " " : "", json_string_value(path));
	buf_adds(p->out, "]");
	json_t *previous = json_object_get(ev, "previous");
	if (previous)
		buf_printf(p->out, " %s", json_text(p->a, previous));
}

static void
print_data(const struct printing *p, const json_t *ev)
{
	json_t *data = json_keep(p->a, json_deep_copy(json_object_get(ev, "data")));
	json_object_del(data, "meta");
	json_object_del(data, "schemas");
	json_object_del(data, "id");
	size_t i;
	json_t *m;
	json_array_foreach (json_object_get(data, "members"), i, m) {
		json_object_del(m, "$ref");
		json_object_set_new(m, "value",
				    json_string(name_of(p->a, json_string_value(json_object_get(m, "value")))));
	}
	buf_printf(p->out, " %s", json_text(p->a, data));
	if (json_object_get(ev, "omitted"))
		buf_printf(p->out, " omitted %s", json_text(p->a, json_object_get(ev, "omitted")));
}

static int
on_event(void *ctx, const struct store_event *row, struct err *e)
{
	struct printing *p = ctx;
	json_t *ev, *member;
	must_ok(json_parse(p->a, row->body, NULL, &ev, e), e);
	buf_printf(p->out, "%s%s %s", p->out->n ? "\n" : "", row->type + strlen("dsync."), name_of(p->a, row->subject));
	if ((member = json_object_get(ev, "member")) != NULL) {
		const char *name = json_string_value(json_object_get(member, "userName"));
		if (!name)
			name = json_string_value(json_object_get(member, "displayName"));
		buf_printf(p->out, " %s (%s %s)", name_of(p->a, json_string_value(json_object_get(member, "value"))),
			   json_string_value(json_object_get(member, "type")), name ? name : "-");
	}
	if (json_object_get(ev, "changed"))
		print_changed(p, ev);
	if (p->data)
		print_data(p, ev);
	p->w->read = row->seq;
	return 0;
}

struct playing {
	struct world *w;
	const struct observation *o; /* NULL: the end of a first refresh */
	bool need_fetch;
};

static int
play_tx(struct store_tx *tx, void *ctx, struct err *e)
{
	struct playing *p = ctx;
	if (!p->o)
		return sync_observe_end(&p->w->run, tx, e);
	return sync_observe(&p->w->run, tx, p->o, &p->need_fetch, e);
}

bool
world_play(struct world *w, const struct world_step *st, bool data, struct buf *out)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(16384);
	struct err e = ERR_INIT;
	char id[37];
	const char *csn = st->csn ? arena_printf(a, "20260101000000.%06dZ#000000#000#000000", st->csn) : NULL;
	struct dir_op op;
	struct observation o = {.sync_id = id,
				.csn = csn,
				.initial = st->initial,
				.coalesced = st->coalesced,
				.reresolve = st->reresolve};
	struct playing p = {.w = w, .o = str_eq(st->what, "end") ? NULL : &o};
	world_id(st->id ? st->id : "", id);
	if (str_eq(st->what, "entry")) {
		o.entry = entry_of(a, st, id, csn);
		if (!o.entry)
			return false;
	} else if (p.o && !str_eq(st->what, "gone")) {
		if (!read_op(a, w, st, &op, id, csn, &e))
			return false;
		o.op = &op;
	}
	w->run.a = w->run.map.a = a;
	w->run.moved = false;
	w->run.now_us++;
	if (store_write(w->store, play_tx, &p, &e) < 0) {
		buf_printf(out, "! %s %s", e.detail, e.cause);
		return true;
	}
	struct printing pr = {w, a, data, out};
	must_ok(store_events(w->store, w->read, 1 << 20, on_event, &pr, &e), &e);
	size_t n;
	const char *const *again = sync_ids_take(w->run.recheck, a, true, &n);
	for (size_t i = 0; again[i]; i++)
		buf_printf(out, "%srecheck %s", out->n ? "\n" : "", name_of(a, again[i]));
	if (p.need_fetch)
		buf_printf(out, "%sfetch", out->n ? "\n" : "");
	if (w->run.moved)
		buf_printf(out, "%smoved", out->n ? "\n" : "");
	return true;
}
