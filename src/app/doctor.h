/* SPDX-License-Identifier: Apache-2.0
 * Private to doctor*.c: findings and what the checks share. Thread rule: main only. */
#ifndef DIRHINGE_APP_DOCTOR_H
#define DIRHINGE_APP_DOCTOR_H

#include "app/config.h"

enum finding_level {
	FINDING_OK,
	FINDING_NOTE, /* not known or not needed: nothing is wrong */
	FINDING_WARN,
	FINDING_FAIL,
};

struct finding {
	enum finding_level level;
	const char *name, *text;
	const char *fix; /* commands to run, lines separated by newlines; NULL if there is nothing to do */
	const struct finding *next;
};

struct doctor {
	struct arena *a;
	const struct config *cfg;
	bool write_test;

	struct dir *dir; /* on the first URI that answers */
	const char *uri;
	const struct dir_caps *caps;
	const struct map_set *set;
	struct dir *config_dir;           /* what may read cn=config: .dir, or .own_dir; NULL = nothing may */
	struct dir *own_dir;              /* freed at the end */
	const struct dir_entry *database; /* in cn=config, that holds users.base; NULL = not known */

	const struct finding *first;
	const struct finding **end;
	size_t n[FINDING_FAIL + 1]; /* findings by level */
};

/* Adds a finding; fix may be NULL. */
void doctor_say(struct doctor *d, enum finding_level level, const char *name, const char *fix, const char *fmt, ...)
	DH_PRINTF(5, 6);
/* "ldapsearch -x -H URI -D DN -y FILE": options of the LDAP tools to act as the gateway. */
const char *doctor_tool(struct doctor *d, const char *tool);
/* "ldapadd -Q -Y EXTERNAL -H ldapi:///": the same to act as the directory's administrator on its host. */
const char *doctor_admin(struct doctor *d, const char *tool);
/* A change of cn=config as a command; dn NULL: of the data's database. */
const char *doctor_config_change(struct doctor *d, const char *dn, const char *ldif_lines);
/* Time that one operation may take. */
deadline_t doctor_until(const struct doctor *d);

/* The checks. Connection: 0, or -1 when no URI can be used. */
int doctor_check_connection(struct doctor *d);
/* Looks for the database in cn=config; finding nothing is no failure. */
void doctor_find_database(struct doctor *d);
void doctor_check_features(struct doctor *d);
void doctor_check_bases(struct doctor *d);
void doctor_check_schema(struct doctor *d);
void doctor_check_rights(struct doctor *d);
void doctor_check_limit(struct doctor *d);
void doctor_check_server(struct doctor *d); /* what only cn=config tells: indexes, overlays, uniqueness */
void doctor_check_feed(struct doctor *d);   /* what the change feed needs */
void doctor_check_writes(struct doctor *d); /* --write-test */

#endif
