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
	bool class_attrs;   /* "@class" names all attributes of a class (RFC 4529), in searches */
	bool no_versions;   /* see version_sign */
	const char *vendor; /* for operators; "" if unknown */
	const struct dir_subschema *schema;
	const struct dir_entry *root_dse;
};

struct dir_flavour {
	const char *name;    /* configuration word: "openldap" */
	const char *map;     /* built-in map family: "openldap" */
	const char *id_attr; /* "entryUUID" */
	const char *dn_attr; /* finds an entry by its DN in a filter: "entryDN" */
	const char *created_attr, *modified_attr, *version_attr;
	/* Attribute of the rootDSE that is there while the server keeps version_attr; NULL = always. Without it entries
	 * have no version: times are too coarse to stand in. */
	const char *version_sign;
	const char *active; /* strategy that "auto" means; NULL = what the subschema offers */
	/* id_attr is a GUID of 16 bytes on the wire ([MS-DTYP] 2.3.4.2); in entries and filters of this interface it is
	 * the text of a UUID. */
	bool guid_id;
	bool guid_base;        /* "<GUID=id>" stands for a DN in every operation ([MS-ADTS] 3.1.1.3.1.2.4) */
	bool links_follow;     /* values that are DNs follow the rename and the delete of their entry by themselves */
	bool implied_rules;    /* the subschema names no matching rules: the syntax implies them */
	bool loose_equality;   /* equality finds more than case explains (accents): the gateway decides again */
	bool time_fraction;    /* a time in a filter needs a fraction: 20261120090000.0Z */
	const char *member_of; /* attribute in which an entry names the groups it is in, always as it is; NULL = none */
	bool member_of_idle;   /* the schema knows memberOf whether or not anything fills it */
	const char *ranged;    /* attribute that comes in pieces of range_step values, followed to the end; or NULL */
	int range_step;
	const char *canary_class; /* of an entry with cn, description and l that is no user and no group */
	bool polled;              /* changes are told by the number of the last change of each entry, not by RFC 4533 */
	bool pages_anew; /* each page of a paged search is searched for anew, in one order of entries that lasts: what
			  * it gives is there and matches now */
	int max_page;    /* entries that one page can have; 0 = no limit known */
	const char *password_attr; /* written with the quoted password in UTF-16 over TLS; NULL = RFC 3062 */
	/* Required by classes and filled by the server; NULL-terminated, or NULL. */
	const char *const *server_fills;
	/* What is_protected() looks at, NULL-terminated; NULL = this directory has no such entries. */
	const char *const *protect_attrs;
	/* Is the entry one of those that rule the directory itself? No client may change it (reliability.md T-05). */
	bool (*is_protected)(const struct dir_entry *en);
	bool permissive_unlisted; /* permissive modify works though supportedControl does not name it */
	size_t max_rdn;           /* longest RDN in bytes that the database takes as a key; 0 = no limit known */
	/* 0 = not this product; the highest score wins. */
	int (*probe)(const struct dir_entry *root_dse);
	/* Refines the generic translation of an LDAP result; returns false to leave it. text is the diagnostic message;
	 * *say: what to tell the client, untouched = the text of the code. */
	bool (*refine)(int ldap_rc, const char *text, enum err_code *code, const char **say);
};

extern const struct dir_flavour dir_flavour_openldap, dir_flavour_active_directory, dir_flavour_389ds;

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

/* Parses attributeTypes, objectClasses and dITContentRules values of the subschema entry (RFC 4512 4.1) with libldap.
 */
int dir_subschema_build(struct arena *a, const struct dir_entry *subschema, const struct dir_subschema **s_r,
			struct err *e) DH_MUST_USE;
/* The same for a directory with implied_rules. */
int dir_subschema_build_implied(struct arena *a, const struct dir_entry *subschema, const struct dir_subschema **s_r,
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
