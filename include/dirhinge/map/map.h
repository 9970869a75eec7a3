/* SPDX-License-Identifier: Apache-2.0
 * Between SCIM and LDAP: the only module that knows both. Rows of schema/map/NAME.yaml (SCIM path, LDAP attribute,
 * codec, direction) are loaded against the directory's subschema: a row whose LDAP attribute the directory does not
 * know is dropped, and the SCIM attribute is then not advertised. Thread rule: struct map_set is frozen; struct map_run
 * and everything made with it is confined to its arena. */
#ifndef DIRHINGE_MAP_MAP_H
#define DIRHINGE_MAP_MAP_H

#include "dirhinge/dir/dir.h"
#include "dirhinge/map/refs.h"
#include "dirhinge/scim/diff.h"
#include "dirhinge/scim/filter.h"
#include "dirhinge/scim/project.h"
#include "dirhinge/scim/view.h"

struct map;          /* rows of one resource type */
struct map_strategy; /* of "active" */

struct map_type_opts {
	const char *base;
	const char *rdn;                   /* naming attribute */
	const char *const *object_classes; /* structural and auxiliary classes of new entries; NULL-terminated */
	const char *active;                /* strategy name or "auto"; NULL for groups */
	const char *member_attribute;      /* groups: "member", "uniqueMember" */
	const char *override_text;         /* YAML of rows that override the flavour's map, or NULL */
	const char *override_name;         /* its file name for messages */
};

struct map_opts {
	struct map_type_opts users, groups;
};

struct map_set {
	const struct map *users, *groups;
	const struct map_opts *opts;
	bool extended;           /* dirhinge.schema is loaded */
	const char *const *lost; /* SCIM paths without a home in this directory, NULL-terminated: for doctor and logs */
};

/* Builds both maps for what this directory can hold. Rows are checked against the SCIM schema and the codec table;
 * a bad row is ERR_CONFIG with file and line. Lives in a; opts must outlive it. */
int map_load(struct arena *a, const struct map_opts *opts, const struct dir_caps *caps, const struct map_set **set_r,
	     struct err *e) DH_MUST_USE;
/* Without a directory. */
int map_check(const char *flavour_map, const struct map_opts *opts, struct err *e) DH_MUST_USE;

const struct scim_type *map_type(const struct map *m);
const struct map_type_opts *map_type_options(const struct map *m);
/* NULL: no strategy is available and active:false must be refused (ERR_NOT_IMPLEMENTED). */
const struct map_strategy *map_active(const struct map *m);
const char *map_strategy_name(const struct map_strategy *s);
bool map_strategy_stops_binds(const struct map_strategy *s); /* by the directory itself, for a disabled account */
extern const char *const map_strategy_names[]; /* "ppolicy-end-time" …, NULL-terminated, for the configuration */
/* LDAP attribute of a simple top-level row ("userName" -> "uid"), or NULL. */
const char *map_ldap_attr(const struct map *m, const char *scim_path);
/* True if new groups need a placeholder while they have no member (the class requires the member attribute): a
 * zero-length DN, never shown to SCIM. */
bool map_needs_placeholder(const struct map *m);
extern const struct strv map_placeholder;

struct map_run { /* one request's view: where to look things up, on whose behalf */
	struct arena *a;
	struct dir *dir;
	const struct dir_caps *caps;
	const struct map_set *set;
	deadline_t until;
	const char *client;                                /* externalId is per client */
	const char *base_url;                              /* for meta.location and $ref, without trailing slash */
	int64_t now_us;                                    /* wall clock of the request, for active */
	bool (*sees)(const void *ctx, const char *dn_key); /* the client, by dir_dn_normal; NULL = everything */
	const void *sees_ctx;
	struct mutex *lone; /* held while a long list is in memory, by those who share a request; NULL = alone */
	const char *home;   /* where its new entries go; NULL = the base of the type */
};
/* --- LDAP to SCIM ------------------------------------------------------------------------------------------------ */

/* LDAP attributes to ask for, for p (NULL = everything), filter f (NULL = none) and version; members only if wanted. */
const char *const *map_attrs(struct map_run *r, const struct map *m, const struct scim_project *p,
			     const struct scim_filter *f);
const char *const *map_attrs_post(struct map_run *r, const struct map *m, const struct scim_project *p); /* post-read */
/* Attributes needed to plan a change: all mapped ones but members. For a search; each by its own name. */
const char *const *map_attrs_change(struct map_run *r, const struct map *m);
const char *const *map_attrs_change_names(const struct map *m);

/* The resource an entry shows, in normal form with id and meta; its values point into the entry. References (manager,
 * members) are left as DNs in refs until map_refs_resolve: no text and no tree of it before. */
int map_to_scim(struct map_run *r, const struct map *m, const struct dir_entry *en, struct map_refs *refs,
		struct scim_view **res_r, struct err *e) DH_MUST_USE;

/* The entity tag of an entry ("W/\"…\""), from its version attributes; NULL while its version cannot be told. */
char *map_version(struct map_run *r, const struct dir_entry *en);
char *map_location(struct map_run *r, const struct map *m, const char *id);
const char *map_id(struct map_run *r, const struct dir_entry *en); /* the SCIM id, NULL if it has none */

/* --- SCIM to LDAP ------------------------------------------------------------------------------------------------ */

/* What a change of a resource means for its entry. Executed by gw in this order: mods, password, rename. */
struct map_change {
	struct dir_mods mods;
	const char **absent; /* LDAP attributes of which SCIM shows one value and that had none: must still be absent */
	size_t n_absent;
	const char *new_rdn;  /* NULL = no rename */
	struct strv password; /* p NULL = none */
	bool disabled;        /* the account is to be disabled after the change */
	bool active_changed;
	bool activate;              /* a new entry: it begins disabled; map_activate once it has a password */
	struct dir_mods claim;      /* to enable: writes again what keeps the account out, which makes a new version */
	const char *const *ignored; /* SCIM paths sent but without a home in this directory, NULL-terminated */
};

/* A new entry: DN below the base, attributes with objectClass, RDN, synthesised required attributes (sn, cn) and the
 * state of active. members are given by members/n as DNs (or none: placeholder if needed). */
int map_to_entry(struct map_run *r, const struct map *m, const json_t *res, const char *const *member_dns, size_t n,
		 char **dn_r, struct map_change *c_r, struct err *e) DH_MUST_USE;

/* The smallest modify that turns before into after: value-level where the attribute has an equality rule, values that
 * SCIM does not show stay. current: the entry that before came from (with all attributes of map_attrs_change). */
int map_to_mods(struct map_run *r, const struct map *m, const json_t *before, const json_t *after,
		const struct dir_entry *current, struct map_change *c_r, struct err *e) DH_MUST_USE;

/* Sets a password without ever re-enabling a disabled account (standards.md 5.6). entry: DN and strategy attributes. */
int map_set_password(struct map_run *r, const struct map *m, const char *dn, struct strv password, bool disabled,
		     struct err *e) DH_MUST_USE;

/* True if map_to_entry looks for names that are free: when the add finds one taken after all, plan again. */
bool map_numbers_names(const struct map *m);

/* Enables an entry that map_to_entry had to begin disabled. en: its DN, id and strategy attributes, as read back. */
int map_activate(struct map_run *r, const struct map *m, const struct dir_entry *en, struct err *e) DH_MUST_USE;

/* Marks an entry as deleted by SCIM (users.delete: disable): no query, id or member of SCIM finds it any more.
 * ERR_NOT_IMPLEMENTED without dirhinge.schema. */
int map_mark_deleted(struct map_run *r, const struct map *m, const struct dir_entry *en, struct dir_mods *mods,
		     struct err *e) DH_MUST_USE;

/* --- Filters ----------------------------------------------------------------------------------------------------- */

struct map_query {
	const struct dir_filter *filter; /* matches at least every wanted entry; object class included */
	bool exact;                      /* false: scim_filter_match must decide on each resource */
	bool at_most_one;                /* equality on a unique attribute */
};

/* f NULL = all resources of the type. What the directory cannot narrow at all stays with exact false. */
int map_query(struct map_run *r, const struct map *m, const struct scim_filter *f, struct map_query *q_r,
	      struct err *e) DH_MUST_USE;
/* The entry with this SCIM id; false filter for an id of wrong syntax. */
const struct dir_filter *map_id_filter(struct map_run *r, const struct map *m, const char *id);

#endif
