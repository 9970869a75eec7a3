/* SPDX-License-Identifier: Apache-2.0
 * Inside of map: rows, codecs and homes. A home is what one top-level SCIM attribute lives in: one row, a row for each
 * sub-attribute, or slots with an optional row of JSON elements. Thread rule: as in map.h. */
#ifndef DIRHINGE_SRC_MAP_MAP_PRIV_H
#define DIRHINGE_SRC_MAP_MAP_PRIV_H

#include "dirhinge/base/strmap.h"
#include "dirhinge/dir/dn.h"
#include "dirhinge/map/watch.h"

enum map_role { ROW_VALUE, ROW_ELEMENT, ROW_DN, ROW_UNRESOLVED, ROW_MEMBER, ROW_CLIENT };

/* What a value of the LDAP syntax may hold (RFC 4517 3.3). */
enum map_charset { CHARS_UTF8, CHARS_IA5, CHARS_PRINTABLE, CHARS_FAX, CHARS_NUMERIC };

struct map_row;
struct map_derived;

struct map_codec {
	const char *name;
	enum map_role role;
	unsigned kinds;  /* 1 << enum scim_kind of what it can hold */
	bool text;       /* the LDAP value is the SCIM text: LDAP comparisons mean the same */
	bool equal;      /* an equality filter with the encoded value finds it */
	const char *arg; /* what stands behind the colon, for messages; NULL = no argument */
	/* ROW_VALUE only. ERR_VALUE names the attribute and the character that cannot be held. */
	int (*encode)(struct arena *a, const struct map_row *row, const json_t *value, struct strv *out_r,
		      struct err *e);
	/* False: this row does not show the value. Text may point into the value. */
	bool (*decode)(struct arena *a, const struct map_row *row, struct strv value, struct scim_scalar *out_r);
};

struct map_row {
	const char *path; /* as written in the map */
	const char *ldap;
	const struct map_codec *codec;
	const char *arg;              /* of the codec */
	const struct scim_attr *attr; /* top-level */
	const struct scim_attr *leaf; /* what holds the value: attr or a sub-attribute */
	bool slot;                    /* path with brackets */
	const char *type;             /* of the slot; NULL: only elements without type */
	bool untyped;                 /* takes elements without type */
	const struct dir_attr_type *at;
	enum map_charset chars;
	bool fraction;                /* the directory wants a time with one: 20261120090000.0Z */
	bool one;                     /* SCIM shows one value of the attribute */
	bool required;                /* an object class of the entries demands it, or it names them */
	bool names;                   /* the naming attribute */
	const struct map_row ***made; /* alternatives, each a list of rows; NULL-terminated both */
	const char *made_text;        /* as written */
	unsigned line;
	bool overrides; /* from the operator's file */
};

struct map_slot {
	const char *type;
	bool untyped;
	bool group;      /* one element out of several attributes */
	const char *key; /* LDAP attribute that stands for the slot in a JSON element */
	const struct map_row **rows;
	size_t n_rows;
};

enum map_home_kind { HOME_PLAIN, HOME_MULTI, HOME_MANAGER, HOME_MEMBERS, HOME_CLIENT };

struct map_home {
	enum map_home_kind kind;
	const struct scim_attr *attr;
	const struct map_row **rows;
	size_t n_rows;
	const struct map_slot *slots; /* HOME_MULTI */
	size_t n_slots;
	const struct map_row *element;    /* HOME_MULTI: JSON elements, or NULL */
	const struct map_row *dn;         /* HOME_MANAGER, or NULL */
	const struct map_row *unresolved; /* HOME_MANAGER, or NULL */
};

struct map {
	const struct scim_type *type;
	const struct map_type_opts *opts;
	const struct dir_caps *caps;
	bool users;
	struct map_row **rows;
	size_t n_rows;
	const struct map_home *homes;
	size_t n_homes;
	const struct scim_attr *id, *meta, *shows_active, *groups; /* what no row fills; NULL if the type has none */
	const struct map_strategy *active;
	const struct map_derived *derived;
	size_t n_derived;
	const char *not_class;       /* entries of this class are none of the type; NULL = no such class */
	const char *aux_class;       /* NULL if the directory does not know it */
	const struct map_row *marks; /* names synthetic attributes, or NULL */
	bool placeholder;
	const char *const *lost;
	const struct dir_filter *class_filter, *class_test;
	const struct map_needs *needs; /* attrs.c: which LDAP attributes answers and changes need */
	const char *base_key;          /* dir_dn_normal of the base */
	const char *name_attr; /* what an entry of the class may lack and a resource may not; NULL if there is none */
	const char *deleted_attr; /* map_deleted_attr */
};

/* --- rows.c: map files to rows ----------------------------------------------------------------------------------- */
struct map_rows {
	struct map_row **v;
	size_t n, cap;
	const char *aux_class, *marks, *not_class;
	struct map_derived *derived;
	size_t n_derived;
};
/* The built-in rows of the family with the operator's in their place. attr and leaf refer to full. */
int map_rows_load(struct arena *a, const char *family, bool users, const struct map_type_opts *opts,
		  const struct scim_type *full, struct map_rows *rows_r, struct err *e) DH_MUST_USE;
bool map_asset(const char *name, struct strv *text_r); /* assets.c, made by the build */
bool map_denied(struct strv ldap_attr);
struct strv map_attr_base(const char *ldap); /* without options */

/* --- load.c ------------------------------------------------------------------------------------------------------ */
const struct map_home *map_home_of(const struct map *m, const struct scim_attr *attr); /* top-level; NULL if none */
const struct map_row *map_row_of(const struct map *m, const char *scim_path);

/* --- codec.c ----------------------------------------------------------------------------------------------------- */
extern const struct map_codec map_codecs[];
extern const size_t map_codecs_n;
enum map_charset map_charset_of(const struct dir_attr_type *at);
/* Equal for the directory as far as can be told here (case, blanks, telephone numbers): never add a value twice. */
bool map_value_same(const struct dir_attr_type *at, struct strv x, struct strv y);

bool map_id_valid(const char *id); /* ids.c: could it be one of ours? NULL: no */

/* --- refs.c ------------------------------------------------------------------------------------------------------ */
/* Fallback: value to show for a manager that cannot be resolved, or NULL. */
void map_refs_add(struct map_refs *refs, struct scim_view *res, const struct scim_attr *attr, const char *dn,
		  const char *fallback);
/* A reference of which only what was sent is known. */
void map_refs_fallback(struct scim_view *res, const struct scim_attr *attr, const char *value);
/* map_ids_to_dns among users only. */
int map_users_to_dns(struct map_run *r, const char *const *ids, size_t n, const char ***dns_r,
		     struct err *e) DH_MUST_USE;

/* --- kind.c ------------------------------------------------------------------------------------------------------ */
/* map_class_filter as a condition on entries that another item of an and finds. */
const struct dir_filter *map_class_test(const struct map *m);
const char *map_deleted_attr(const struct map *m);      /* its mark; NULL if the directory has no room for one */
void map_kind_prepare(struct arena *a, struct map *m);  /* once the rows are known */
void map_attrs_prepare(struct arena *a, struct map *m); /* once the homes are known */
bool map_sees(const struct map_run *r, const char *dn); /* may the client know of it? */
const char *map_main_class(const struct map *m);        /* makes an entry a resource */

#endif
