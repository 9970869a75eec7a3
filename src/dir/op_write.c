/* SPDX-License-Identifier: Apache-2.0
 * Writes: sent once. What could not be sent is tried on a fresh connection; what was sent and not answered is an
 * unknown outcome, never a guess. */
#include "dir/cleanup.h"
#include "dir/decode.h"
#include "dir/filter_text.h"
#include "dir/held.h"
#include "dir/ms.h"
#include "dir/pool.h"
#include "dir/result.h"
#include "dirhinge/dir/dn.h"

struct request {
	enum result_op op;
	const char *dn;
	LDAPMod **mods;                 /* add, modify */
	const struct dir_mods *changes; /* modify: the same */
	const char *new_rdn;            /* rename */
	const char *new_parent;         /* rename; NULL = stay */
	struct strv password;
	const char *password_attr; /* NULL = RFC 3062 */
	const struct dir_write *w;
};

struct run {
	struct dir *d;
	struct arena *a;
	const struct request *rq;
	struct request sent; /* rq as this directory wants it */
	char *assertion;
	deadline_t until;
	const struct dir_entry *post; /* from the post-read control */
	const struct dir_entry *pre;  /* from the pre-read control */
	const char *parent;           /* of a rename that has to name it */
	int result;                   /* of the last attempt */
	bool busy;
};

enum { CONTROLS_MAX = 4 };

struct controls {
	LDAPControl *list[CONTROLS_MAX + 1];
	size_t n;
};

static void
controls_done(struct controls *c)
{
	for (size_t i = 0; i < c->n; i++)
		ldap_control_free(c->list[i]);
}

/* --- senders --- */

static int
send_add(LDAP *ld, const struct request *rq, LDAPControl **controls, int *msgid)
{
	return ldap_add_ext(ld, rq->dn, rq->mods, controls, NULL, msgid);
}

static int
send_modify(LDAP *ld, const struct request *rq, LDAPControl **controls, int *msgid)
{
	return ldap_modify_ext(ld, rq->dn, rq->mods, controls, NULL, msgid);
}

static int
send_rename(LDAP *ld, const struct request *rq, LDAPControl **controls, int *msgid)
{
	return ldap_rename(ld, rq->dn, rq->new_rdn, rq->new_parent, 1, controls, NULL, msgid);
}

static int
send_delete(LDAP *ld, const struct request *rq, LDAPControl **controls, int *msgid)
{
	return ldap_delete_ext(ld, rq->dn, controls, NULL, msgid);
}

static int
send_password(LDAP *ld, const struct request *rq, LDAPControl **controls, int *msgid)
{
	struct berval user = strv_bv(strv_of(rq->dn));
	struct berval password = strv_bv(rq->password);

	if (rq->password_attr) {
		struct berval *values[] = {&password, NULL};
		LDAPMod mod = {.mod_op = LDAP_MOD_REPLACE | LDAP_MOD_BVALUES, .mod_type = unconst(rq->password_attr)};
		LDAPMod *mods[] = {&mod, NULL};

		mod.mod_bvalues = values;
		return ldap_modify_ext(ld, rq->dn, mods, controls, NULL, msgid);
	}
	return ldap_passwd(ld, &user, NULL, &password, controls, NULL, msgid);
}

static int (*const senders[])(LDAP *, const struct request *, LDAPControl **, int *) = {
	[OP_ADD] = send_add,       [OP_MODIFY] = send_modify,     [OP_RENAME] = send_rename,
	[OP_DELETE] = send_delete, [OP_PASSWORD] = send_password,
};

/* --- controls --- */

static int
add_control(struct controls *c, const char *oid, bool critical, struct berval *value, struct err *e)
{
	must(c->n < CONTROLS_MAX);
	if (ldap_control_create(oid, critical, value, 1, &c->list[c->n]) != LDAP_SUCCESS)
		return err_set(e, ERR_INTERNAL, "the LDAP control %s cannot be made", oid);
	c->n++;
	return 0;
}

/* RFC 4528: critical, so that a server that does not know it changes nothing. */
static int
add_assertion(struct controls *c, LDAP *ld, char *filter, struct err *e)
{
	struct berval value = {0, NULL};
	int rc;

	if (ldap_create_assertion_control_value(ld, filter, &value) != LDAP_SUCCESS)
		return err_set(e, ERR_INTERNAL, "the assertion control cannot be made");
	rc = add_control(c, LDAP_CONTROL_ASSERT, true, &value, e);
	ber_memfree(value.bv_val);
	return rc;
}

/* RFC 4527; not critical: what it does not bring is read afterwards. */
static int
add_read(struct controls *c, const char *oid, const char *const *attrs, struct err *e)
{
	DH_CLEANUP(ber_done) BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct berval value = {0, NULL};

	if (ber == NULL || ber_printf(ber, "{v}", attrs) == -1 || ber_flatten2(ber, &value, 0) == -1)
		return err_set(e, ERR_INTERNAL, "a read entry control cannot be made");
	return add_control(c, oid, false, &value, e);
}

/* What came too late can be taken back: not a delete, nor an add of values some of which were there. */
static bool
can_take_back(const struct run *r)
{
	const struct dir_caps *caps = r->d->caps;
	const struct dir_write *w = r->rq->w;

	return caps->pre_read && !(w->permissive && caps->permissive_modify) &&
	       (r->rq->op == OP_MODIFY || r->rq->op == OP_RENAME);
}

static int
add_controls(struct run *r, struct conn *c, struct controls *controls, struct err *e)
{
	const struct dir_caps *caps = r->d->caps;
	const struct dir_write *w = r->rq->w;

	if (r->assertion && caps->assertion && add_assertion(controls, c->ld, r->assertion, e))
		return -1;
	if (r->assertion && !caps->assertion && can_take_back(r) &&
	    add_read(controls, LDAP_CONTROL_PRE_READ, dir_held_attrs(r->a, w->assertion, r->rq->changes), e))
		return -1;
	if (w && w->post_attrs && caps->post_read && add_read(controls, LDAP_CONTROL_POST_READ, w->post_attrs, e))
		return -1;
	if (w && w->permissive && r->rq->op == OP_MODIFY && caps->permissive_modify &&
	    add_control(controls, LDAP_CONTROL_X_PERMISSIVE_MODIFY, false, NULL, e))
		return -1;
	if (r->rq->op == OP_PASSWORD && caps->ppolicy &&
	    add_control(controls, LDAP_CONTROL_PASSWORDPOLICYREQUEST, false, NULL, e))
		return -1;
	return 0;
}

/* --- answer --- */

/* The policy's reason has fixed texts without names, so the client may see it. */
static void
name_policy(struct conn *c, LDAPControl **reply, struct err *e)
{
	LDAPControl *policy = ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, reply, NULL);
	LDAPPasswordPolicyError why = PP_noError;
	ber_int_t expire, grace;

	if (e == NULL || policy == NULL || e->code != ERR_VALUE ||
	    ldap_parse_passwordpolicy_control(c->ld, policy, &expire, &grace, &why) != LDAP_SUCCESS ||
	    why == PP_noError)
		return;

	struct err plain = *e;

	err_set(e, ERR_VALUE, "the directory's password policy refuses the password: %s",
		ldap_passwordpolicy_err2txt(why));
	e->ldap_rc = plain.ldap_rc;
	err_cause(e, "%s", plain.cause);
}

static int
read_result(struct run *r, struct conn *c, LDAPMessage *msg, struct err *e)
{
	DH_CLEANUP(controls_free) LDAPControl **reply = NULL;
	DH_CLEANUP(str_free) char *text = NULL;
	DH_CLEANUP(str_free) char *matched = NULL;
	LDAPControl *pre, *post;
	int result = LDAP_OTHER;

	/* Nobody can tell what a garbled answer means. */
	if (ldap_parse_result(c->ld, msg, &result, &matched, &text, NULL, &reply, 0) != LDAP_SUCCESS) {
		c->broken = true;
		err_set(e, ERR_UNKNOWN_OUTCOME, NULL);
		return err_cause(e, "%s \"%s\": the answer cannot be decoded", dir_result_op_name(r->rq->op),
				 r->rq->dn);
	}
	r->result = result;
	if (result != LDAP_SUCCESS) {
		const struct result res = {r->rq->op, r->rq->dn, result, text, matched};

		r->busy = result == LDAP_BUSY || result == LDAP_UNAVAILABLE;
		dir_result_err(r->d->caps->flavour, &res, e);
		if (r->rq->op == OP_PASSWORD)
			name_policy(c, reply, e);
		return -1;
	}
	post = ldap_control_find(LDAP_CONTROL_POST_READ, reply, NULL);
	if (post && dir_decode_read_control(r->a, &post->ldctl_value, &r->post, e))
		r->post = NULL; /* read afterwards instead */
	pre = ldap_control_find(LDAP_CONTROL_PRE_READ, reply, NULL);
	if (pre && dir_decode_read_control(r->a, &pre->ldctl_value, &r->pre, e))
		r->pre = NULL;
	return 0;
}

/* 1 answered well, 0 nothing was sent and a fresh connection may help, -1 failed. */
static int
attempt(struct run *r, struct conn *c, struct err *e)
{
	DH_CLEANUP(dir_conn_msg_free) LDAPMessage *msg = NULL;
	DH_CLEANUP(controls_done) struct controls controls = {0};
	const struct request *rq = &r->sent;
	int msgid, rc;

	if (add_controls(r, c, &controls, e))
		return -1;
	rc = senders[rq->op](c->ld, rq, controls.list, &msgid);
	if (rc == LDAP_ENCODING_ERROR || rc == LDAP_PARAM_ERROR || rc == LDAP_NO_MEMORY) {
		err_set(e, ERR_INTERNAL, NULL);
		return err_cause(e, "%s \"%s\": libldap: %s", dir_result_op_name(rq->op), rq->dn, ldap_err2string(rc));
	}
	if (rc != LDAP_SUCCESS) {
		/* An incomplete request cannot be carried out. */
		dir_conn_send_failed(c, rc, e);
		err_cause(e, "%s \"%s\"", dir_result_op_name(rq->op), rq->dn);
		return 0;
	}
	if (dir_conn_wait(c, msgid, true, r->until, &msg, e)) {
		struct err why = e ? *e : ERR_INIT;

		err_set(e, ERR_UNKNOWN_OUTCOME, NULL);
		if (e)
			e->ldap_rc = why.ldap_rc;
		err_cause(e, "%s", why.cause);
		return err_cause(e, "%s \"%s\"", dir_result_op_name(rq->op), rq->dn);
	}
	return read_result(r, c, msg, e) ? -1 : 1;
}

static bool
is_private(struct conn *c)
{
	return ldap_tls_inplace(c->ld) || c->uri->scheme == URI_LDAPI;
}

static int
unsupported(const struct run *r, struct conn *c, struct err *e)
{
	const struct dir_caps *caps = r->d->caps;

	if (r->rq->op == OP_PASSWORD && !caps->password_modify)
		return err_set(e, ERR_DIR_UNSUPPORTED, "the directory cannot set passwords (RFC 3062)");
	if (r->rq->op == OP_PASSWORD && caps->flavour->password_attr && !is_private(c))
		return err_set(e, ERR_CONFIG, "a password is only written over TLS; use ldaps:// in directory.uris");
	return 0;
}

/* The request as this directory wants it: its names for entries and ids, its way to set a password. */
static int
adapt(struct run *r, struct err *e)
{
	const struct dir_flavour *fl = r->d->caps->flavour;
	const struct dir_write *w = r->rq->w;
	const char *id = w ? w->id : NULL;

	r->sent = *r->rq;
	r->sent.dn = r->rq->op == OP_ADD ? r->rq->dn : dir_address(r->a, r->d->caps, r->rq->dn, id);
	if (r->rq->new_parent == NULL)
		r->sent.new_parent = r->parent;
	if (w && w->assertion && dir_filter_wire_text(r->a, fl, w->assertion, &r->assertion, e))
		return -1;
	if (r->rq->op != OP_PASSWORD || fl->password_attr == NULL)
		return 0;
	r->sent.password_attr = fl->password_attr;
	return dir_ms_password(r->a, r->rq->password, &r->sent.password, e);
}

/* Samba does not find the parent of an entry that is named by its GUID. It is told where the entry is at this moment
 * and not where it was read: who moves it meanwhile has moved it. */
static bool
needs_parent(struct run *r)
{
	static const char *const none[] = {"1.1", NULL};
	const struct dir_search s = {.base = r->sent.dn, .scope = DIR_BASE, .attrs = none};
	const struct dir_entry *en;
	struct err why = ERR_INIT;

	if (r->rq->op != OP_RENAME || r->result != LDAP_NO_SUCH_OBJECT || r->sent.new_parent ||
	    r->sent.dn == r->rq->dn || dir_search_one(r->d, r->a, &s, r->until, &en, &why) != 1)
		return false;
	r->parent = dir_dn_parent(r->a, en->dn);
	return r->parent != NULL;
}

/* The name after the operation. */
static const char *
name_after(struct arena *a, const struct request *rq, const struct request *sent)
{
	if (rq->op != OP_RENAME || sent->dn != rq->dn)
		return sent->dn;
	return rq->new_parent ? dir_dn_join(a, rq->new_rdn, rq->new_parent) : dir_dn_with_rdn(a, rq->dn, rq->new_rdn);
}

static int
finish(struct run *r, struct err *e)
{
	const struct dir_write *w = r->rq->w;
	struct err why = ERR_INIT;
	int rc;

	if (w == NULL || w->post_attrs == NULL || r->rq->op == OP_DELETE)
		return 0;
	if (r->post == NULL) {
		const struct dir_search s = {
			.base = name_after(r->a, r->rq, &r->sent), .scope = DIR_BASE, .attrs = w->post_attrs};

		rc = dir_search_one(r->d, r->a, &s, r->until, &r->post, &why);
		if (rc != 1) {
			/* Done, but what the entry is now nobody has seen. */
			err_set(e, ERR_UNKNOWN_OUTCOME, NULL);
			err_cause(e, "%s", rc < 0 ? why.cause : "the entry is gone");
			return err_cause(e, "read \"%s\" after %s", s.base, dir_result_op_name(r->rq->op));
		}
	}
	if (w->post_r)
		*w->post_r = r->post;
	return 0;
}

/* Without the control: does the filter hold now? */
static int
ask_first(struct run *r, struct err *e)
{
	const struct dir_write *w = r->rq->w;
	const struct dir_caps *caps;

	if (w == NULL || w->assertion == NULL || r->rq->op == OP_ADD)
		return 0;
	if (dir_caps(r->d, &caps, e))
		return -1;
	if (caps->assertion)
		return 0;
	return dir_held_ask(r->d, r->a, dir_address(r->a, caps, r->rq->dn, w->id), w->assertion, r->until, e);
}

/* The write was carried out on an entry that had changed in the moment before: it is undone, which others may see. */
static int
take_back(struct run *r, struct err *e)
{
	const struct dir_write w = {.id = r->rq->w->id};
	const char *at = name_after(r->a, r->rq, &r->sent);
	struct err why = ERR_INIT;
	struct dir_mods back;
	int rc;

	if (r->rq->op == OP_RENAME) {
		rc = dir_rename(r->d, r->a, at, dir_dn_rdn(r->a, r->rq->dn),
				r->rq->new_parent ? dir_dn_parent(r->a, r->rq->dn) : NULL, &w, deadline_in(2000), &why);
	} else {
		dir_held_inverse(r->a, r->rq->changes, r->pre, &back);
		rc = dir_modify(r->d, r->a, at, &back, &w, deadline_in(2000), &why);
	}
	if (rc == 0)
		return dir_held_refuse(r->rq->dn, e);
	err_set(e, ERR_UNKNOWN_OUTCOME, NULL);
	return err_cause(e, "%s \"%s\" came after another change and was not taken back: %s",
			 dir_result_op_name(r->rq->op), r->rq->dn, why.cause);
}

static int
run_uncounted(struct dir *d, struct arena *a, const struct request *rq, deadline_t until, struct err *e)
{
	struct run r = {.d = d, .a = a, .rq = rq, .until = dir_pool_deadline(d, until)};
	int busy = 0, unsent = 0;

	if (ask_first(&r, e))
		return -1;
	for (;;) {
		struct conn *c;
		int rc;

		r.busy = false;
		r.result = LDAP_SUCCESS;
		if (dir_pool_get(d, r.until, &c, e))
			return err_cause(e, "%s \"%s\"", dir_result_op_name(rq->op), rq->dn);
		rc = unsupported(&r, c, e) ? -1 : adapt(&r, e);
		if (rc == 0)
			rc = attempt(&r, c, e);
		dir_pool_put(d, c);
		if (rc == 1 && r.pre && !dir_filter_holds(rq->w->assertion, r.pre))
			return take_back(&r, e);
		if (rc == 1)
			return finish(&r, e);
		if (rc == 0 && unsent++ == 0)
			continue;
		if (r.busy && dir_pool_backoff(d, busy++, r.until))
			continue;
		if (needs_parent(&r))
			continue;
		return -1;
	}
}

static int
run_write(struct dir *d, struct arena *a, const struct request *rq, deadline_t until, struct err *e)
{
	int64_t started = clock_mono_us();
	int rc = run_uncounted(d, a, rq, until, e);

	dir_count_op(d, rq->op, started, rc, e);
	return rc;
}

/* --- operations --- */

static LDAPMod *
make_mod(struct arena *a, const struct dir_mod *m, int op)
{
	LDAPMod *mod = ARENA_NEW(a, LDAPMod);
	struct berval *all = ARENA_ARRAY(a, m->n ? m->n : 1, struct berval);
	struct berval **list = ARENA_ARRAY(a, m->n + 1, struct berval *);

	for (size_t i = 0; i < m->n; i++) {
		all[i] = strv_bv(m->values[i]);
		list[i] = &all[i];
	}
	*mod = (LDAPMod){.mod_op = op | LDAP_MOD_BVALUES, .mod_type = unconst(m->attr)};
	mod->mod_bvalues = m->n ? list : NULL;
	return mod;
}

/* adding: every row is an attribute of a new entry, whatever its operation; rows without values are left out. */
static LDAPMod **
make_mods(struct arena *a, const struct dir_mods *m, bool adding)
{
	static const int ops[] = {
		[DIR_MOD_ADD] = LDAP_MOD_ADD, [DIR_MOD_DELETE] = LDAP_MOD_DELETE, [DIR_MOD_REPLACE] = LDAP_MOD_REPLACE};
	LDAPMod **mods = ARENA_ARRAY(a, m->n + 1, LDAPMod *);
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->mods[i].n || (!adding && m->mods[i].op != DIR_MOD_ADD))
			mods[n++] = make_mod(a, &m->mods[i], adding ? LDAP_MOD_ADD : ops[m->mods[i].op]);
	return mods;
}

int
dir_add(struct dir *d, struct arena *a, const char *dn, const struct dir_mods *attrs, const struct dir_write *w,
	deadline_t until, struct err *e)
{
	const struct request rq = {.op = OP_ADD, .dn = dn, .mods = make_mods(a, attrs, true), .w = w};

	return run_write(d, a, &rq, until, e);
}

/* RFC 4511 4.6 wants at least one change; without one only the assertion is left to be checked. */
static int
modify_nothing(struct dir *d, struct arena *a, const char *dn, const struct dir_write *w, deadline_t until,
	       struct err *e)
{
	static const char *const none[] = {"1.1", NULL};
	struct dir_search s = {.scope = DIR_BASE, .attrs = w && w->post_attrs ? w->post_attrs : none};
	const struct dir_caps *caps;
	const struct dir_entry *en, *same;
	int rc;

	if (dir_caps(d, &caps, e))
		return -1;
	s.base = dir_address(a, caps, dn, w ? w->id : NULL);
	rc = dir_search_one(d, a, &s, until, &en, e);

	if (rc == 1 && w && w->assertion) {
		s.filter = w->assertion;
		s.attrs = none;
		rc = dir_search_one(d, a, &s, until, &same, e);
		if (rc == 0) {
			err_set(e, ERR_PRECONDITION, NULL);
			return err_cause(e, "modify \"%s\" with no changes", dn);
		}
	}
	if (rc < 0)
		return -1;
	if (rc == 0) {
		err_set(e, ERR_NOT_FOUND, NULL);
		return err_cause(e, "modify \"%s\" with no changes", dn);
	}
	if (w && w->post_attrs && w->post_r)
		*w->post_r = en;
	return 0;
}

int
dir_modify(struct dir *d, struct arena *a, const char *dn, const struct dir_mods *mods, const struct dir_write *w,
	   deadline_t until, struct err *e)
{
	const struct request rq = {
		.op = OP_MODIFY, .dn = dn, .mods = make_mods(a, mods, false), .changes = mods, .w = w};

	if (rq.mods[0] == NULL)
		return modify_nothing(d, a, dn, w, until, e);
	return run_write(d, a, &rq, until, e);
}

int
dir_rename(struct dir *d, struct arena *a, const char *dn, const char *new_rdn, const char *new_parent,
	   const struct dir_write *w, deadline_t until, struct err *e)
{
	const struct request rq = {.op = OP_RENAME, .dn = dn, .new_rdn = new_rdn, .new_parent = new_parent, .w = w};

	return run_write(d, a, &rq, until, e);
}

int
dir_delete(struct dir *d, struct arena *a, const char *dn, const struct dir_write *w, deadline_t until, struct err *e)
{
	const struct request rq = {.op = OP_DELETE, .dn = dn, .w = w};

	return run_write(d, a, &rq, until, e);
}

int
dir_set_password(struct dir *d, struct arena *a, const char *dn, struct strv password, deadline_t until, struct err *e)
{
	const struct request rq = {.op = OP_PASSWORD, .dn = dn, .password = password};

	/* RFC 3062 2: without a new password the server makes one up that nobody would learn. */
	if (password.n == 0)
		return err_set(e, ERR_VALUE, "the password is empty");
	return run_write(d, a, &rq, until, e);
}
