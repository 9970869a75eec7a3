/* SPDX-License-Identifier: Apache-2.0
 * Private to doctor*.c: what the checks need to know of a product, one row each. Thread rule: frozen. */
#ifndef DIRHINGE_APP_DOCTOR_KIT_H
#define DIRHINGE_APP_DOCTOR_KIT_H

#include "app/doctor.h"

struct doctor_kit {
	const struct dir_flavour *flavour;
	void (*rights)(struct doctor *d);            /* may the account write what it has to */
	void (*server)(struct doctor *d);            /* what only this product has */
	const char *(*grant)(struct doctor *d);      /* command that gives the rights */
	const char *(*unlimited)(struct doctor *d);  /* command that takes limits away from the account */
	const char *(*our_schema)(struct doctor *d); /* command that loads dirhinge's schema; NULL = not for this one */
	bool bare;                                   /* assertion, post-read and matched values are not to be had */
};

const struct doctor_kit *doctor_kit(const struct doctor *d);

/* The account as access rules name it. */
const char *doctor_account(const struct doctor *d);

void doctor_probe_rights(struct doctor *d); /* doctor_rights.c: by deleting values that are not there */
void doctor_openldap_server(struct doctor *d);
const char *doctor_openldap_grant(struct doctor *d);
const char *doctor_openldap_unlimited(struct doctor *d);

void doctor_ad_rights(struct doctor *d);
void doctor_ad_server(struct doctor *d);
void doctor_ad_feed(struct doctor *d); /* which source the change feed has */
const char *doctor_ad_grant(struct doctor *d);

void doctor_389ds_server(struct doctor *d);
const char *doctor_389ds_grant(struct doctor *d);
const char *doctor_389ds_unlimited(struct doctor *d);
const char *doctor_389ds_schema(struct doctor *d);

#endif
