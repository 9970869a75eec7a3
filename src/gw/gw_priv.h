/* SPDX-License-Identifier: Apache-2.0
 * What the operations share inside gw: one struct gw_run per request, reading, showing and changing one entry. */
#ifndef DIRHINGE_SRC_GW_PRIV_H
#define DIRHINGE_SRC_GW_PRIV_H

#include "dirhinge/dir/dn.h"
#include "dirhinge/gw/gw.h"
#include "dirhinge/scim/patch.h"

/* A request that may write DNs it has looked up; see writers.c. seq 0: not registered. */
struct gw_writer {
	uint64_t seq;
	struct gw_writer *before, *after;
};

struct gw_run {
	struct gw *g;
	struct gw_req *q;
	const struct map *map; /* of the request's resource type */
	const struct scim_type *type;
	const char *base;
	const char **bases; /* where the client sees some of it: base, or fences below it */
	size_t n_bases;
	struct map_run m;
	struct scim_ctx ctx;
	const struct scim_project *project;
	struct gw_writer writer;
	unsigned turn; /* from 1; 0 = none */
};

const struct gw_opts *gw_options(const struct gw *g);

/* After every change that reached the directory, perhaps in part: clients see their own writes in lists. */
void gw_written(struct gw_run *run);

/* Starts a request: maps, deadline, tolerances, projection. gw_end reports notes back; both in every operation. */
int gw_begin(struct gw *g, struct gw_req *q, struct gw_run *run, struct err *e) DH_MUST_USE;
int gw_end(struct gw_run *run, int result, struct err *e);

/* --- writers.c: requests in flight that hold DNs ------------------------------------------------------------------ */
struct gw_writers;
struct gw_writers *gw_writers_new(struct arena *a);
void gw_writers_done(struct gw_writers *w);
struct gw_writers *gw_writers_of(struct gw *g);
void gw_writer_begin(struct gw_run *run);
void gw_writer_end(struct gw_run *run); /* nothing if it is not registered */
/* Waits until every writer that began before this call has ended; false when the deadline passed first. */
bool gw_writers_wait(struct gw_run *run);

/* The entry with this id below the type's base: 0 found, -1 error (ERR_NOT_FOUND if there is none). */
int gw_fetch(struct gw_run *run, const char *id, const char *const *attrs, const struct dir_entry **en_r,
	     struct err *e) DH_MUST_USE;

/* The resource of one entry with its references, in normal form, as a tree: to be changed. */
int gw_decode(struct gw_run *run, const struct dir_entry *en, json_t **res_r, struct err *e) DH_MUST_USE;

/* Answers with this entry: its references resolved, projected. */
int gw_show(struct gw_run *run, const struct dir_entry *en, struct gw_result *r, struct err *e) DH_MUST_USE;
/* The same of an entry that this request has made: groups that named its DN were looked for before and cleaned up. */
int gw_show_new(struct gw_run *run, const struct dir_entry *en, struct gw_result *r, struct err *e) DH_MUST_USE;

/* True if the answer would hold this attribute. */
bool gw_wants(const struct gw_run *run, const char *attr);

/* RFC 7644 3.14: ERR_PRECONDITION unless the header (list of tags, W/ ignored, *) matches. No header: 0. */
int gw_if_match(struct gw_run *run, const struct dir_entry *en, struct err *e) DH_MUST_USE;
bool gw_none_match(struct gw_run *run, const struct dir_entry *en);
/* RFC 9110 13.1.2: ERR_PRECONDITION for a change if If-None-Match names the present version. */
int gw_none_match_write(struct gw_run *run, const struct dir_entry *en, struct err *e) DH_MUST_USE;
/* For a create: nothing is there that could have the version in If-Match. */
int gw_if_match_new(struct gw_run *run, struct err *e) DH_MUST_USE;
/* Attributes that map_version needs; NULL-terminated, in the arena. */
const char *const *gw_version_attrs(struct gw_run *run);
/* As a condition for gw_guard: the entry is as it was read, with gw_version_attrs; NULL if it shows no version. */
const struct dir_filter *gw_unchanged(struct gw_run *run, const struct dir_entry *en);
/* The same for If-Match; NULL without. */
const struct dir_filter *gw_version_condition(struct gw_run *run, const struct dir_entry *en);
/* Is this entry the one with this id? NULL without id. */
const struct dir_filter *gw_is_id(struct gw_run *run, const char *id);
/* The assertion of every write: dn is still the entry with this id, and more (or NULL) holds for it. NULL: nothing is
 * left to assert. */
const struct dir_filter *gw_guard(struct gw_run *run, const char *dn, const char *id, const struct dir_filter *more);

/* Brings a new or another userName in res into form C; before is NULL on create. */
void gw_name_form_c(struct gw_run *run, const json_t *before, json_t *res);
/* ERR_UNIQUE if another entry (own_id NULL: any) below the base has this value in the row of scim_path. */
int gw_check_unique(struct gw_run *run, const char *scim_path, const json_t *res, const char *own_id,
		    struct err *e) DH_MUST_USE;
/* The path that must be unique: "userName" or "displayName". */
const char *gw_unique_path(const struct gw_run *run);

/* --- members of groups, always as value-level changes ------------------------------------------------------------ */

struct gw_members {
	const char **add; /* DNs */
	size_t n_add;
	const char **del;
	size_t n_del;
	bool clear; /* to nothing, whatever is there */
};

/* A group at its place. */
struct gw_group {
	const char *dn, *id;
	const struct dir_filter *condition; /* beyond being this group, or NULL */
};

/* One modify of a group (or several past GW_MEMBER_CHUNK values): other changes and members together. Adds what is
 * there, deletes what is absent: no change. Keeps the placeholder rule of groupOfNames in the same modify.
 * post_r (may be NULL): the version attributes after the last write, untouched without one. */
int gw_modify_group(struct gw_run *run, const struct gw_group *group, const struct dir_mods *other,
		    const struct gw_members *mm, const struct dir_entry **post_r, struct err *e) DH_MUST_USE;
#define GW_MEMBER_CHUNK 5000

/* ids to DNs for members to add: unknown ones are ERR_VALUE, or left out when tolerated and others are known. */
int gw_member_dns(struct gw_run *run, const char *const *ids, size_t n, const char ***dns_r, size_t *n_r,
		  struct err *e) DH_MUST_USE;
/* Ids in the members array of a resource. */
int gw_member_ids(struct gw_run *run, const json_t *res, const char ***ids_r, size_t *n_r, struct err *e) DH_MUST_USE;
/* Current member DNs of this group at its place, the placeholder left out. */
int gw_read_members(struct gw_run *run, const char *dn, const char *id, const char ***dns_r, size_t *n_r,
		    struct err *e) DH_MUST_USE;
/* What turns have into want. */
void gw_members_diff(struct gw_run *run, const char *const *have, size_t n_have, const char *const *want, size_t n_want,
		     struct gw_members *mm_r);

/* --- references to an entry that goes or moves ------------------------------------------------------------------- */

/* Takes dn out of every group and every manager attribute; _member: out of groups only. */
int gw_refs_remove(struct gw_run *run, const char *dn, struct err *e) DH_MUST_USE;
int gw_refs_remove_member(struct gw_run *run, const char *dn, struct err *e) DH_MUST_USE;
/* Groups that have dn as a member, for gw_refs_drop: what a new entry of that name must not inherit. */
struct gw_found;
int gw_refs_find(struct gw_run *run, const char *dn, const struct gw_found **found_r, struct err *e) DH_MUST_USE;
int gw_refs_drop(struct gw_run *run, const char *dn, const struct gw_found *found, struct err *e) DH_MUST_USE;
int gw_refs_rename(struct gw_run *run, const char *old_dn, const char *new_dn, struct err *e) DH_MUST_USE;

/* --- races ------------------------------------------------------------------------------------------------------- */

/* True if the error says that somebody changed, renamed or deleted the entry between our read and our write: read it by
 * its id and try again. Only a read by id decides that something does not exist (a 404 makes clients forget it). */
bool gw_raced(const struct err *e);
/* A read by DN of an entry that was found before did not find it: such a race; -1. */
int gw_moved(const struct gw_run *run, struct err *e);
/* After attempt number tries (from 1) failed with *e: 0 to try again (a little later), -1 to give up. */
int gw_retry(struct gw_run *run, int tries, struct err *e) DH_MUST_USE;
#define GW_TRIES 24

#endif
