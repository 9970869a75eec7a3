/* SPDX-License-Identifier: Apache-2.0
 * Entries out of libldap: one pass over the BER, values NUL-terminated behind their length. */
#include "dir/decode.h"

#include "dir/cleanup.h"
#include "dir/ms.h"

struct builder {
	struct arena *a;
	struct dir_entry *en;
	size_t cap;
};

static char *
bv_dup(struct arena *a, struct berval bv)
{
	return arena_strndup(a, bv.bv_len ? bv.bv_val : "", bv.bv_len);
}

/* vals ends at the first NULL bv_val (liber's convention); NULL = no values (typesOnly, or a server's habit). */
static void
add_attr(struct builder *b, struct berval name, const struct berval *vals)
{
	struct dir_entry *en = b->en;
	struct dir_attr *at;
	size_t n = 0;

	en->attrs = ARENA_GROW(b->a, en->attrs, en->n_attrs, &b->cap, 8);
	while (vals && vals[n].bv_val)
		n++;
	at = &en->attrs[en->n_attrs++];
	*at = (struct dir_attr){.name = bv_dup(b->a, name), .n = n};
	at->values = ARENA_ARRAY(b->a, n ? n : 1, struct strv);
	for (size_t i = 0; i < n; i++)
		at->values[i] = strv_n(bv_dup(b->a, vals[i]), vals[i].bv_len);
}

/* For views of a message's buffer. */
static void
ber_view_done(BerElement **ber)
{
	if (*ber)
		ber_free(*ber, 0);
}

static int
garbled(struct err *e)
{
	err_set(e, ERR_UNAVAILABLE, NULL);
	return err_cause(e, "the directory sent an entry that cannot be decoded");
}

/* Beyond this interface an id is text, whatever the directory keeps. */
static void
ids_to_text(struct arena *a, const struct dir_flavour *fl, struct dir_entry *en)
{
	for (size_t i = 0; i < en->n_attrs; i++) {
		struct dir_attr *at = &en->attrs[i];

		for (size_t k = 0; str_caseeq(at->name, fl->id_attr) && k < at->n; k++)
			at->values[k] = dir_guid_text(a, at->values[k]);
	}
}

int
dir_decode_entry(struct arena *a, const struct dir_flavour *fl, LDAP *ld, LDAPMessage *msg,
		 const struct dir_entry **en_r, struct err *e)
{
	struct dir_entry *en;

	if (dir_decode_open_entry(a, fl, ld, msg, &en, e))
		return -1;
	*en_r = en;
	return 0;
}

int
dir_decode_open_entry(struct arena *a, const struct dir_flavour *fl, LDAP *ld, LDAPMessage *msg,
		      struct dir_entry **en_r, struct err *e)
{
	DH_CLEANUP(ber_view_done) BerElement *ber = NULL;
	struct builder b = {.a = a, .en = ARENA_NEW(a, struct dir_entry)};
	struct berval dn, name;

	if (ldap_get_dn_ber(ld, msg, &ber, &dn) != LDAP_SUCCESS)
		return garbled(e);
	b.en->dn = bv_dup(a, dn);
	for (;;) {
		struct berval *vals = NULL;

		if (ldap_get_attribute_ber(ld, msg, ber, &name, &vals) != LDAP_SUCCESS) {
			ber_memfree(vals);
			return garbled(e);
		}
		if (name.bv_val == NULL)
			break;
		add_attr(&b, name, vals);
		ber_memfree(vals); /* only the array: the values lie in the message */
	}
	if (fl && fl->guid_id)
		ids_to_text(a, fl, b.en);
	*en_r = b.en;
	return 0;
}

int
dir_decode_read_control(struct arena *a, const struct berval *value, const struct dir_entry **en_r, struct err *e)
{
	struct berval view = *value; /* ber_init() copies it and takes no const */
	DH_CLEANUP(ber_done) BerElement *ber = ber_init(&view);
	struct builder b = {.a = a, .en = ARENA_NEW(a, struct dir_entry)};
	struct berval dn, name;
	ber_tag_t tag;
	ber_len_t len;
	char *end;

	if (ber == NULL || ber_scanf(ber, "{m" /*}*/, &dn) == LBER_ERROR)
		return garbled(e);
	b.en->dn = bv_dup(a, dn);
	for (tag = ber_first_element(ber, &len, &end); tag != LBER_DEFAULT; tag = ber_next_element(ber, &len, end)) {
		BerVarray vals = NULL;

		if (ber_scanf(ber, "{m[W]}", &name, &vals) == LBER_ERROR) {
			ber_bvarray_free(vals);
			return garbled(e);
		}
		add_attr(&b, name, vals);
		ber_bvarray_free(vals);
	}
	*en_r = b.en;
	return 0;
}
