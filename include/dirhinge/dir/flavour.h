/* SPDX-License-Identifier: Apache-2.0
 * What a directory can do: facts from rootDSE and subschema, and what only the product tells. One const struct a
 * product in src/dir/flavour_NAME.c. Thread rule: frozen. */
#ifndef DIRHINGE_DIR_FLAVOUR_H
#define DIRHINGE_DIR_FLAVOUR_H

#include "dirhinge/base/err.h"
#include "dirhinge/dir/entry.h"

struct dir_caps {
	const struct dir_flavour *flavour;
	bool assertion, post_read, pre_read, paged, matched_values, permissive_modify, password_modify;
	bool ppolicy; /* password policy request control known */
	bool sync;    /* RFC 4533 */
	bool start_tls;
	const char *vendor; /* for operators; "" if unknown */
	const struct dir_subschema *schema;
	const struct dir_entry *root_dse;
};

struct dir_flavour {
	const char *name;    /* configuration word: "openldap" */
	const char *map;     /* built-in map family: "openldap" */
	const char *id_attr; /* "entryUUID" */
	const char *created_attr, *modified_attr, *version_attr;
	bool permissive_unlisted; /* permissive modify works though supportedControl does not name it */
	size_t max_rdn;           /* longest RDN in bytes that the database takes as a key; 0 = no limit known */
	/* 0 = not this product; the highest score wins. */
	int (*probe)(const struct dir_entry *root_dse);
	/* Refines the generic translation of an LDAP result; returns false to leave it. text is the diagnostic message.
	 */
	bool (*refine)(int ldap_rc, const char *text, enum err_code *code);
};

extern const struct dir_flavour dir_flavour_openldap;

/* By configuration word ("auto" = NULL); NULL and ERR_CONFIG if unknown. */
int dir_flavour_find(const char *name, const struct dir_flavour **f_r, struct err *e) DH_MUST_USE;
const struct dir_flavour *dir_flavour_probe(const struct dir_entry *root_dse);

/* Subschema: which attribute types and object classes exist (names and OIDs, without case). */
struct dir_subschema;

struct dir_attr_type {
	const char *name; /* first name */
	const char *oid;
	bool single, no_user_mod;
	bool has_equality; /* itself or by its superior type */
	bool has_ordering, has_substring;
	const char *equality; /* "" if none */
	const char *syntax;   /* numeric OID without length */
};

/* Parses attributeTypes and objectClasses values of the subschema entry (RFC 4512 4.1) with libldap. */
int dir_subschema_build(struct arena *a, const struct dir_entry *subschema, const struct dir_subschema **s_r,
			struct err *e) DH_MUST_USE;
const struct dir_attr_type *dir_subschema_attr(const struct dir_subschema *s, const char *name);
bool dir_subschema_class(const struct dir_subschema *s, const char *name);
/* True if the class (with its superiors) requires / allows the attribute. */
bool dir_subschema_must(const struct dir_subschema *s, const char *object_class, const char *attr);
bool dir_subschema_may(const struct dir_subschema *s, const char *object_class, const char *attr);
/* Names of the attributes the class and its superiors require; in arena. */
size_t dir_subschema_must_list(struct arena *a, const struct dir_subschema *s, const char *object_class,
			       const char *const **names_r);

#endif
