/* SPDX-License-Identifier: Apache-2.0
 * Private: the writes of gw. Each is the one of dir.h, told to the change feed before and after, so that its events
 * name client and request (store/cause.h); without a feed nothing is told. Thread rule: confined to the request. */
#ifndef DIRHINGE_SRC_GW_CAUSE_H
#define DIRHINGE_SRC_GW_CAUSE_H

#include "gw/gw_priv.h"

int gw_write_add(struct gw_run *run, const char *dn, const struct dir_mods *attrs, const struct dir_write *w,
		 struct err *e) DH_MUST_USE;
int gw_write_modify(struct gw_run *run, const char *dn, const struct dir_mods *mods, const struct dir_write *w,
		    struct err *e) DH_MUST_USE;
int gw_write_rename(struct gw_run *run, const char *dn, const char *new_rdn, const char *new_parent,
		    const struct dir_write *w, deadline_t until, struct err *e) DH_MUST_USE;
int gw_write_delete(struct gw_run *run, const char *dn, const struct dir_write *w, deadline_t until,
		    struct err *e) DH_MUST_USE;
/* map_set_password for the entry with this id. */
int gw_write_password(struct gw_run *run, const char *dn, const char *id, struct strv password, bool disabled,
		      struct err *e) DH_MUST_USE;

#endif
