/* SPDX-License-Identifier: Apache-2.0
 * The accesslog's records. reqMod keeps the modifications in their order, one value a line; the entry after an add is
 * its list of values. reqOld is not asked for: it repeats the whole member list at every change of one member. */
#include "dir/logrec.h"

#include <ldap.h>

#include "dirhinge/dir/dn.h"

/* Never copied out of the log, whatever the map says (directories.md 2.6). */
static const char *const secrets[] = {
	"userPassword",    "pwdHistory",           "pwdReset",   "authPassword",    "sambaNTPassword",
	"sambaLMPassword", "sambaPasswordHistory", "unicodePwd", "krbPrincipalKey", "olcRootPW",
	"oathSecret",      "userPKCS12",           "ipaNTHash",
};

static struct strv
base_name(struct strv attr)
{
	return strv_n(attr.p, strv_chr(attr, ';'));
}

void
dir_log_filter_init(struct log_filter *f, struct arena *a, const struct dir_subschema *schema, const char *const *attrs)
{
	*f = (struct log_filter){.schema = schema, .names = strmap_new(a, true)};
	for (size_t i = 0; attrs && attrs[i]; i++) {
		struct strv name = base_name(strv_of(attrs[i]));
		const struct dir_attr_type *type = schema ? dir_subschema_attr(schema, attrs[i]) : NULL;

		f->all_user |= strv_eq(name, STRV("*"));
		strmap_put(f->names, name, f);
		if (type) /* the log writes the first name */
			strmap_put(f->names, strv_of(type->name), f);
	}
	f->all_user |= attrs == NULL;
}

static bool
wanted(const struct log_filter *f, struct arena *a, struct strv attr)
{
	struct strv name = base_name(attr);
	const struct dir_attr_type *type;

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		if (strv_caseeq(name, strv_of(secrets[i])))
			return false;
	if (strmap_get(f->names, name))
		return true;
	type = f->schema ? dir_subschema_attr(f->schema, arena_strndup(a, name.p, name.n)) : NULL;
	if (type && strmap_get(f->names, strv_of(type->name)))
		return true;
	return f->all_user && (type == NULL || !type->no_user_mod);
}

/* --- reqMod --- */

static bool
attr_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == ';' || c == '_';
}

int
dir_log_mod(struct strv text, struct log_mod *m_r, struct err *e)
{
	static const char verbs[] = "+-=#"; /* in the order of enum log_verb */
	struct log_mod m = {0};
	const char *verb;
	size_t n = 0;

	if (strv_eq(text, STRV(":"))) {
		*m_r = (struct log_mod){.verb = LOG_SEPARATOR};
		return 0;
	}
	while (n < text.n && attr_char(text.p[n]))
		n++;
	if (n == 0 || n == text.n || text.p[n] != ':')
		return err_at(e, n, ERR_PARSE, "reqMod: no attribute");
	m.attr = strv_n(text.p, n);
	n++;
	verb = n < text.n && text.p[n] ? strchr(verbs, text.p[n]) : NULL;
	if (verb == NULL)
		return err_at(e, n, ERR_PARSE, "reqMod: not one of \":+\", \":-\", \":=\", \":#\"");
	m.verb = (enum log_verb)(verb - verbs);
	n++;
	if (n < text.n) {
		if (text.p[n] != ' ')
			return err_at(e, n, ERR_PARSE, "reqMod: no blank before the value");
		m.value = strv_n(text.p + n + 1, text.n - n - 1);
	}
	if (m.value.p == NULL && (m.verb == LOG_ADD || m.verb == LOG_INCREMENT))
		return err_at(e, n, ERR_PARSE, "reqMod: no value");
	*m_r = m;
	return 0;
}

/* Values are views of the record, which stays as long as the change. */
static void
push_value(struct arena *a, struct dir_mod *mod, struct strv value)
{
	mod->values = ARENA_GROW(a, mod->values, mod->n, &mod->cap, 4);
	mod->values[mod->n++] = value;
}

/* dir_mods_value() would bring deletes before adds; here the order is what happened. */
static struct dir_mod *
push_mod(struct dir_mods *m, enum dir_mod_op op, struct strv attr)
{
	m->mods = ARENA_GROW(m->a, m->mods, m->n, &m->cap, 8);
	m->mods[m->n] = (struct dir_mod){.op = op, .attr = arena_strndup(m->a, attr.p, attr.n)};
	return &m->mods[m->n++];
}

static int
read_mods(struct arena *a, const struct log_filter *f, const struct dir_entry *rec, struct dir_mods *out,
	  bool *incomplete_r, struct err *e)
{
	static const enum dir_mod_op ops[] = {
		[LOG_ADD] = DIR_MOD_ADD, [LOG_DELETE] = DIR_MOD_DELETE, [LOG_REPLACE] = DIR_MOD_REPLACE};
	const struct dir_attr *lines = dir_entry_attr(rec, "reqMod");
	struct dir_mod *mod = NULL;
	struct strv last = {NULL, 0};
	bool keep = false;

	if (lines && lines->n > LOG_MODS_MAX)
		return err_set(e, ERR_PARSE, "reqMod: more than %d values", LOG_MODS_MAX);
	for (size_t i = 0; lines && i < lines->n; i++) {
		struct log_mod m;

		if (dir_log_mod(lines->values[i], &m, e))
			return -1;
		if (m.verb == LOG_SEPARATOR) {
			mod = NULL;
			last = m.attr;
			continue;
		}
		if (!strv_eq(m.attr, last)) {
			mod = NULL;
			last = m.attr;
			keep = wanted(f, a, m.attr);
		}
		if (!keep)
			continue;
		if (m.verb == LOG_INCREMENT) {
			*incomplete_r = true;
			continue;
		}
		if (mod == NULL || mod->op != ops[m.verb] || m.value.p == NULL)
			mod = push_mod(out, ops[m.verb], m.attr);
		if (m.value.p)
			push_value(a, mod, m.value);
		else
			mod = NULL; /* what follows is another modification */
	}
	return 0;
}

/* --- records --- */

static const char *
text_of(const struct dir_entry *rec, const char *attr)
{
	struct strv v = dir_entry_first(rec, attr);

	return v.n && strlen(v.p) == v.n ? v.p : NULL;
}

/* The new entry from its list of additions. */
static const struct dir_entry *
added_entry(struct arena *a, const char *dn, const struct dir_mods *mods)
{
	struct dir_entry *en = ARENA_NEW(a, struct dir_entry);

	*en = (struct dir_entry){.dn = dn, .attrs = ARENA_ARRAY(a, mods->n + 1, struct dir_attr)};
	for (size_t i = 0; i < mods->n; i++)
		en->attrs[en->n_attrs++] = (struct dir_attr){
			.name = mods->mods[i].attr, .values = mods->mods[i].values, .n = mods->mods[i].n};
	return en;
}

/* RFC 4511 4.9: the values of the new RDN come, those of the old go if so asked. */
static int
rdn_mods(struct arena *a, const struct log_filter *f, const char *dn, enum dir_mod_op op, struct dir_mods *out,
	 struct err *e)
{
	LDAPRDN rdn = NULL;
	char *rest;

	if (ldap_str2rdn(dn, &rdn, &rest, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || rdn == NULL)
		return err_set(e, ERR_PARSE, "accesslog: a name that is none");
	for (size_t i = 0; rdn[i]; i++) {
		struct strv attr = strv_n(rdn[i]->la_attr.bv_val, rdn[i]->la_attr.bv_len);
		struct strv value = strv_n(rdn[i]->la_value.bv_val, rdn[i]->la_value.bv_len);

		if (wanted(f, a, attr))
			push_value(a, push_mod(out, op, attr), strv_n(arena_strndup(a, value.p, value.n), value.n));
	}
	ldap_rdnfree(rdn);
	return 0;
}

static int
read_rename(struct arena *a, const struct log_filter *f, const struct dir_entry *rec, struct dir_op *op,
	    struct dir_mods *mods, struct err *e)
{
	const char *rdn = text_of(rec, "reqNewRDN");
	const char *parent = text_of(rec, "reqNewSuperior");
	struct strv del = dir_entry_first(rec, "reqDeleteOldRDN");

	if (parent == NULL)
		parent = dir_dn_parent(a, op->dn);
	if (rdn == NULL || parent == NULL || strv_chr(strv_of(rdn), '=') == strlen(rdn))
		return err_set(e, ERR_PARSE, "accesslog: a rename without the new name");
	op->new_dn = dir_dn_join(a, rdn, parent);
	if (strv_caseeq(del, STRV("TRUE")) && rdn_mods(a, f, op->dn, DIR_MOD_DELETE, mods, e))
		return -1;
	return rdn_mods(a, f, rdn, DIR_MOD_ADD, mods, e);
}

static const struct {
	const char *type;
	enum dir_op_kind kind;
} kinds[] = {{"add", DIR_OP_ADD}, {"modify", DIR_OP_MODIFY}, {"modrdn", DIR_OP_RENAME}, {"delete", DIR_OP_DELETE}};

static int
read_kind(const struct dir_entry *rec, enum dir_op_kind *kind_r, struct err *e)
{
	struct strv type = dir_entry_first(rec, "reqType");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strv_caseeq(type, strv_of(kinds[i].type)))
			continue;
		*kind_r = kinds[i].kind;
		return 0;
	}
	return err_set(e, ERR_PARSE, "accesslog: an unknown type of operation");
}

int
dir_log_record(struct arena *a, const struct log_filter *f, const struct dir_entry *rec, struct log_record *r_r,
	       struct err *e)
{
	struct dir_mods *mods = ARENA_NEW(a, struct dir_mods);
	struct log_record r = {.id = text_of(rec, "reqEntryUUID"),
			       .csn = text_of(rec, "entryCSN"),
			       .actor = text_of(rec, "reqAuthzID"),
			       .op.dn = text_of(rec, "reqDN")};

	dir_mods_init(mods, a);
	if (r.op.dn == NULL || r.id == NULL || r.csn == NULL)
		return err_set(e, ERR_PARSE, "accesslog: a record without reqDN, reqEntryUUID or entryCSN");
	if (read_kind(rec, &r.op.kind, e) || read_mods(a, f, rec, mods, &r.op.incomplete, e))
		return -1;
	if (r.op.kind == DIR_OP_RENAME && read_rename(a, f, rec, &r.op, mods, e))
		return -1;
	if (r.op.kind == DIR_OP_ADD)
		r.op.added = added_entry(a, r.op.dn, mods);
	if (r.op.kind == DIR_OP_MODIFY || r.op.kind == DIR_OP_RENAME)
		r.op.mods = mods;
	*r_r = r;
	return 0;
}
