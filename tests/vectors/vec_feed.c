/* SPDX-License-Identifier: Apache-2.0
 * Plays what the change feed decodes. Directives say what the inputs are:
 *   @do csn         two CSNs; how they compare
 *   @do cookie      a cookie of OpenLDAP; as it is sent
 *   @do merge       two cookies with | between; both together
 *   @do meet        the same; what both have
 *   @do request     a cookie or nothing; the control's value in hex
 *   @do entry|done|info   the value of a control or message of RFC 4533 in hex; what it says
 *   @do reqmod      a value of reqMod; what it says
 *   @do apply       an entry and a record of the accesslog with "--" between; the entry after it
 *   @do blob        an entry; the bytes kept of it in hex */
#include "dir/cookie.h"
#include "dir/logrec.h"
#include "dir/syncmsg.h"
#include "dirhinge/base/codec.h"
#include "dirhinge/dir/blob.h"
#include "dirhinge/dir/feed.h"
#include "vectors.h"

typedef void (*play_fn)(const struct vec_case *c, struct buf *out);

struct state {
	play_fn play;
	const char *name;
};

static struct strv
cut(struct strv *rest, char sep)
{
	size_t n = strv_chr(*rest, sep);
	struct strv head = strv_n(rest->p, n);

	n += n < rest->n;
	*rest = strv_n(rest->p + n, rest->n - n);
	return head;
}

static const char *
text(struct arena *a, struct strv v)
{
	return arena_strndup(a, v.n ? v.p : "", v.n);
}

static void
play_csn(const struct vec_case *c, struct buf *out)
{
	struct strv rest = c->input;
	const char *x = text(c->a, strv_trim(cut(&rest, ' ')));
	const char *y = text(c->a, strv_trim(rest));
	bool same;
	int order = dir_csn_compare(x, y, &same);

	buf_printf(out, "%s%s %lld",
		   order < 0   ? "<"
		   : order > 0 ? ">"
			       : "=",
		   same ? "" : " other server", (long long)dir_csn_us(x));
}

static void
put_cookie(const struct vec_case *c, const struct sync_vector *v, struct buf *out)
{
	struct strv t = dir_cookie_text(c->a, v);

	if (t.p)
		buf_addv(out, t);
	else
		buf_adds(out, "nothing");
}

static void
play_cookie(const struct vec_case *c, struct buf *out)
{
	struct sync_vector v;

	if (dir_cookie_parse(c->input, &v))
		put_cookie(c, &v, out);
	else
		buf_adds(out, "! opaque");
}

static void
two_cookies(const struct vec_case *c, bool meet, struct buf *out)
{
	struct strv rest = c->input;
	struct strv first = cut(&rest, '|');
	struct sync_vector v, w;

	if (!dir_cookie_parse(first, &v) || !dir_cookie_parse(rest, &w)) {
		buf_adds(out, "! opaque");
		return;
	}
	if (meet)
		dir_cookie_meet(&v, &w);
	else if (!dir_cookie_merge(&v, &w))
		buf_adds(out, "! full ");
	put_cookie(c, &v, out);
}

static void
play_merge(const struct vec_case *c, struct buf *out)
{
	two_cookies(c, false, out);
}

static void
play_meet(const struct vec_case *c, struct buf *out)
{
	two_cookies(c, true, out);
}

static void
request(const struct vec_case *c, bool persist, struct buf *out)
{
	struct err e = ERR_INIT;
	struct strv value;

	if (dir_sync_request(c->a, c->input.n ? c->input : strv_n(NULL, 0), persist, &value, &e))
		vec_err(out, &e);
	else
		buf_adds(out, hex_encode(c->a, value));
}

static void
play_request(const struct vec_case *c, struct buf *out)
{
	request(c, true, out);
}

static void
play_look(const struct vec_case *c, struct buf *out)
{
	request(c, false, out);
}

/* Hex digits with blanks between. */
static bool
bytes(const struct vec_case *c, struct strv *v_r, struct buf *out)
{
	DH_CLEANUP(buf_done) struct buf hex = BUF_INIT(1 << 20);
	struct err e = ERR_INIT;
	unsigned char *raw;

	for (size_t i = 0; i < c->input.n; i++)
		if (c->input.p[i] != ' ')
			buf_addc(&hex, c->input.p[i]);
	raw = arena_alloc(c->a, hex.n / 2 + 1);
	if (hex_decode(buf_view(&hex), raw, hex.n / 2, &e)) {
		buf_adds(out, "the vector is not hex");
		return false;
	}
	*v_r = strv_n((const char *)raw, hex.n / 2);
	return true;
}

static void
put_id(struct buf *out, const unsigned char id[SYNC_ID_BYTES])
{
	char t[37];

	uuid_format(id, t);
	buf_printf(out, " %.8s", t);
}

static void
put_sync_cookie(struct buf *out, struct strv cookie)
{
	if (cookie.p)
		buf_printf(out, " cookie \"%s\"", cookie.p);
}

static void
play_entry(const struct vec_case *c, struct buf *out)
{
	static const char *const states[] = {"present", "add", "modify", "delete"};
	struct err e = ERR_INIT;
	struct sync_entry s;
	struct strv v;

	if (!bytes(c, &v, out))
		return;
	if (dir_sync_entry(c->a, v, &s, &e)) {
		vec_err(out, &e);
		return;
	}
	buf_adds(out, states[s.state]);
	put_id(out, s.id);
	put_sync_cookie(out, s.cookie);
}

static void
play_done(const struct vec_case *c, struct buf *out)
{
	struct err e = ERR_INIT;
	struct sync_done s;
	struct strv v;

	if (!bytes(c, &v, out))
		return;
	if (dir_sync_done(c->a, v, &s, &e)) {
		vec_err(out, &e);
		return;
	}
	buf_adds(out, s.deletes ? "deletes" : "present");
	put_sync_cookie(out, s.cookie);
}

static void
play_info(const struct vec_case *c, struct buf *out)
{
	static const char *const infos[] = {"new cookie", "refreshDelete", "refreshPresent", "ids"};
	struct err e = ERR_INIT;
	struct sync_info s;
	struct strv v;

	if (!bytes(c, &v, out))
		return;
	if (dir_sync_info(c->a, v, &s, &e)) {
		vec_err(out, &e);
		return;
	}
	buf_printf(out, "%s%s%s", infos[s.kind], s.done ? " done" : "", s.deletes ? " deleted" : "");
	for (size_t i = 0; i < s.n_ids; i++)
		put_id(out, s.ids[i]);
	put_sync_cookie(out, s.cookie);
}

static void
play_reqmod(const struct vec_case *c, struct buf *out)
{
	static const char *const verbs_of[] = {"add", "delete", "replace", "increment", "separator"};
	struct err e = ERR_INIT;
	struct log_mod m;

	if (dir_log_mod(c->input, &m, &e)) {
		vec_err(out, &e);
		return;
	}
	buf_adds(out, verbs_of[m.verb]);
	if (m.attr.n) {
		buf_addc(out, ' ');
		buf_addv(out, m.attr);
	}
	if (m.value.p) {
		buf_adds(out, " [");
		buf_addv(out, m.value);
		buf_addc(out, ']');
	}
}

/* --- entries --- */

static struct dir_entry *
new_entry(struct arena *a)
{
	struct dir_entry *en = ARENA_NEW(a, struct dir_entry);

	*en = (struct dir_entry){.dn = "", .attrs = ARENA_ARRAY(a, 64, struct dir_attr)};
	return en;
}

static void
put_line(struct arena *a, struct dir_entry *en, struct strv line)
{
	struct strv name = cut(&line, ':');
	struct strv value = line.n ? strv_n(line.p + 1, line.n - 1) : line;
	struct dir_attr *at = NULL;

	if (strv_eq(name, STRV("dn"))) {
		en->dn = text(a, value);
		return;
	}
	for (size_t i = 0; i < en->n_attrs; i++)
		if (strv_eq(name, strv_of(en->attrs[i].name)))
			at = &en->attrs[i];
	if (at == NULL) {
		must(en->n_attrs < 64);
		at = &en->attrs[en->n_attrs++];
		*at = (struct dir_attr){.name = text(a, name), .values = ARENA_ARRAY(a, 64, struct strv)};
	}
	must(at->n < 64);
	at->values[at->n++] = strv_n(text(a, value), value.n);
}

static void
put_entry(struct buf *out, const struct dir_entry *en)
{
	buf_printf(out, "<%s>", en->dn);
	for (size_t i = 0; i < en->n_attrs; i++) {
		buf_printf(out, " %s", en->attrs[i].name);
		for (size_t k = 0; k < en->attrs[i].n; k++)
			buf_printf(out, "%c%.*s", k ? '|' : '=', (int)en->attrs[i].values[k].n,
				   en->attrs[i].values[k].p);
	}
}

static const struct dir_subschema *
schema(struct arena *a)
{
	static const char *const types[] = {
		"( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
		"( 2.5.4.4 NAME ( 'sn' 'surname' ) SUP name )",
		"( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name )",
		"( 0.9.2342.19200300.100.1.1 NAME ( 'uid' 'userid' ) EQUALITY caseIgnoreMatch )",
		"( 2.5.4.31 NAME 'member' EQUALITY distinguishedNameMatch )",
		"( 2.5.4.20 NAME 'telephoneNumber' EQUALITY telephoneNumberMatch )",
		"( 2.5.4.0 NAME 'objectClass' EQUALITY objectIdentifierMatch )",
		"( 1.1.1 NAME 'exact' EQUALITY caseExactMatch )",
		"( 1.1.2 NAME 'octets' EQUALITY octetStringMatch )",
		"( 1.3.6.1.4.1.4203.666.1.7 NAME 'entryCSN' EQUALITY CSNMatch NO-USER-MODIFICATION )",
	};
	struct dir_entry *en = new_entry(a);
	const struct dir_subschema *s = NULL;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		put_line(a, en, strv_of(arena_printf(a, "attributeTypes: %s", types[i])));
	put_line(a, en, STRV("objectClasses: ( 2.5.6.0 NAME 'top' ABSTRACT MUST objectClass )"));
	must(dir_subschema_build(a, en, &s, &e) == 0);
	return s;
}

static void
play_apply(const struct vec_case *c, struct buf *out)
{
	static const char *const attrs[] = {"sn",          "cn",    "uid",    "member",   "telephoneNumber",
					    "objectClass", "exact", "octets", "entryCSN", NULL};
	struct dir_entry *before = new_entry(c->a), *rec = new_entry(c->a);
	struct dir_entry *to = before;
	const struct dir_entry *after = NULL;
	struct strv rest = c->input;
	struct err e = ERR_INIT;
	struct log_record r;
	struct log_filter f;

	while (rest.n) {
		struct strv line = cut(&rest, '\n');

		if (strv_eq(line, STRV("--")))
			to = rec;
		else
			put_line(c->a, to, line);
	}
	dir_log_filter_init(&f, c->a, schema(c->a), attrs);
	if (dir_log_record(c->a, &f, rec, &r, &e) ||
	    dir_op_apply(c->a, f.schema, *before->dn ? before : NULL, &r.op, &after, &e)) {
		vec_err(out, &e);
		return;
	}
	if (after)
		put_entry(out, after);
	else
		buf_adds(out, "gone");
	if (r.actor)
		buf_printf(out, " by %s", r.actor);
}

static void
play_blob(const struct vec_case *c, struct buf *out)
{
	DH_CLEANUP(buf_done) struct buf kept = BUF_INIT(1 << 16);
	DH_CLEANUP(buf_done) struct buf again = BUF_INIT(1 << 16);
	struct dir_entry *en = new_entry(c->a);
	const struct dir_entry *back;
	struct strv rest = c->input;
	struct err e = ERR_INIT;

	while (rest.n)
		put_line(c->a, en, cut(&rest, '\n'));
	dir_blob_write(&kept, en);
	if (dir_blob_read(c->a, buf_view(&kept), &back, &e)) {
		vec_err(out, &e);
		return;
	}
	dir_blob_write(&again, back);
	if (!strv_eq(buf_view(&kept), buf_view(&again)))
		buf_adds(out, "differs when read back: ");
	/* Cut anywhere, it is refused. */
	for (size_t n = 0; n < kept.n; n++)
		if (dir_blob_read(c->a, strv_n(kept.p, n), &back, &e) == 0)
			buf_printf(out, "taken although cut at %zu: ", n);
	buf_adds(out, hex_encode(c->a, buf_view(&kept)));
}

static const struct vec_verb verbs[] = {
	{"csn", play_csn},     {"cookie", play_cookie}, {"merge", play_merge}, {"meet", play_meet},
	{"entry", play_entry}, {"done", play_done},     {"info", play_info},   {"request", play_request},
	{"look", play_look},   {"reqmod", play_reqmod}, {"apply", play_apply}, {"blob", play_blob},
};

int
main(void)
{
	static const char *const files[] = {"tests/vectors/dir/cookie.txt", "tests/vectors/dir/syncmsg.txt",
					    "tests/vectors/dir/history.txt", NULL};

	return vec_play_verbs("feed", verbs, ARRAY_SIZE(verbs), files);
}
