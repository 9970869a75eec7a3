/* SPDX-License-Identifier: Apache-2.0
 * LDAP result codes as errors: one table (directories.md 6.1), refined by operation and by flavour. */
#include "dir/result.h"

#include <ldap.h>

static const char *const op_names[] = {
	[OP_SEARCH] = "search", [OP_ADD] = "add",       [OP_MODIFY] = "modify",
	[OP_RENAME] = "rename", [OP_DELETE] = "delete", [OP_PASSWORD] = "set password",
};

#define ON(op) (1u << (op))
#define ON_ALL 0u /* any operation */

struct rule {
	int rc;
	unsigned ops; /* ON_ALL or a set of ON() */
	enum err_code code;
	const char *text; /* for the client; NULL = the code's default text */
};

/* The first row that fits counts: special operations stand before ON_ALL. */
static const struct rule rules[] = {
	{LDAP_PROTOCOL_ERROR, ON(OP_PASSWORD), ERR_DIR_UNSUPPORTED, "the directory cannot set passwords"},
	{LDAP_PROTOCOL_ERROR, ON_ALL, ERR_INTERNAL, "the directory did not understand the request"},
	{LDAP_TIMELIMIT_EXCEEDED, ON_ALL, ERR_UNAVAILABLE, "the directory needed too long"},
	{LDAP_SIZELIMIT_EXCEEDED, ON_ALL, ERR_TOO_MANY, NULL},
	{LDAP_STRONG_AUTH_REQUIRED, ON_ALL, ERR_CONFIG, "the directory wants a stronger connection (TLS)"},
	{LDAP_REFERRAL, ON_ALL, ERR_UNAVAILABLE, "this directory server does not take changes"},
	{LDAP_ADMINLIMIT_EXCEEDED, ON(OP_SEARCH), ERR_TOO_MANY, NULL},
	{LDAP_ADMINLIMIT_EXCEEDED, ON_ALL, ERR_UNAVAILABLE, "the directory's limits do not allow this now"},
	{LDAP_UNAVAILABLE_CRITICAL_EXTENSION, ON_ALL, ERR_DIR_UNSUPPORTED, NULL},
	{LDAP_CONFIDENTIALITY_REQUIRED, ON_ALL, ERR_CONFIG, "the directory wants an encrypted connection"},
	{LDAP_NO_SUCH_ATTRIBUTE, ON(OP_MODIFY), ERR_DIR_MISSING_VALUE, NULL},
	{LDAP_NO_SUCH_ATTRIBUTE, ON_ALL, ERR_VALUE, NULL},
	{LDAP_UNDEFINED_TYPE, ON_ALL, ERR_CONFIG, "the attribute map names an attribute the directory does not know"},
	{LDAP_INAPPROPRIATE_MATCHING, ON(OP_SEARCH), ERR_FILTER, "the directory cannot compare the attribute this way"},
	{LDAP_INAPPROPRIATE_MATCHING, ON_ALL, ERR_VALUE, NULL},
	{LDAP_CONSTRAINT_VIOLATION, ON(OP_PASSWORD), ERR_VALUE, "the directory's password policy refuses the password"},
	{LDAP_CONSTRAINT_VIOLATION, ON_ALL, ERR_VALUE, "a value breaks a rule of the directory"},
	{LDAP_TYPE_OR_VALUE_EXISTS, ON(OP_MODIFY), ERR_DIR_HAS_VALUE, NULL},
	{LDAP_TYPE_OR_VALUE_EXISTS, ON_ALL, ERR_VALUE, "a value is given twice"},
	{LDAP_INVALID_SYNTAX, ON(OP_SEARCH), ERR_FILTER, "a value in the filter does not have the attribute's syntax"},
	{LDAP_INVALID_SYNTAX, ON_ALL, ERR_VALUE, "a value does not have the syntax the directory wants"},
	{LDAP_NO_SUCH_OBJECT, ON(OP_ADD), ERR_CONFIG, "the container for new entries does not exist in the directory"},
	{LDAP_NO_SUCH_OBJECT, ON_ALL, ERR_NOT_FOUND, NULL},
	{LDAP_INVALID_DN_SYNTAX, ON_ALL, ERR_VALUE, "a value does not make a valid name in the directory"},
	{LDAP_INSUFFICIENT_ACCESS, ON_ALL, ERR_FORBIDDEN, "the directory does not allow the gateway to do this"},
	{LDAP_PROXIED_AUTHORIZATION_DENIED, ON_ALL, ERR_FORBIDDEN,
	 "the directory does not allow the gateway to do this"},
	{LDAP_BUSY, ON_ALL, ERR_BUSY, "the directory is busy"},
	{LDAP_UNAVAILABLE, ON_ALL, ERR_UNAVAILABLE, NULL},
	{LDAP_UNWILLING_TO_PERFORM, ON(OP_PASSWORD), ERR_VALUE, "the directory's password policy refuses the password"},
	{LDAP_UNWILLING_TO_PERFORM, ON_ALL, ERR_FORBIDDEN, "the directory refuses to do this"},
	{LDAP_NAMING_VIOLATION, ON_ALL, ERR_MUTABILITY, "the value names the entry and cannot be changed this way"},
	{LDAP_OBJECT_CLASS_VIOLATION, ON_ALL, ERR_DIR_OBJECT_CLASS, NULL},
	{LDAP_NOT_ALLOWED_ON_NONLEAF, ON_ALL, ERR_CONFLICT, "the directory entry has entries below it"},
	{LDAP_NOT_ALLOWED_ON_RDN, ON_ALL, ERR_MUTABILITY, "the value names the entry and cannot be changed this way"},
	{LDAP_ALREADY_EXISTS, ON(OP_ADD) | ON(OP_RENAME), ERR_UNIQUE, NULL},
	{LDAP_ALREADY_EXISTS, ON_ALL, ERR_DIR_HAS_VALUE, NULL}, /* AD: the member is there */
	{LDAP_NO_OBJECT_CLASS_MODS, ON_ALL, ERR_MUTABILITY, "the kind of the directory entry cannot be changed"},
	{LDAP_AFFECTS_MULTIPLE_DSAS, ON_ALL, ERR_DIR_UNSUPPORTED,
	 "the directory cannot move entries between databases"},
	{LDAP_ASSERTION_FAILED, ON_ALL, ERR_PRECONDITION, NULL},
	/* The service account lost its rights while bound (RFC 4511 4.1.9: authentication results on other operations).
	 */
	{LDAP_INVALID_CREDENTIALS, ON_ALL, ERR_CONFIG, "the directory does not accept the gateway's account"},
	{LDAP_INAPPROPRIATE_AUTH, ON_ALL, ERR_CONFIG, "the directory does not accept the gateway's account"},
};

const char *
dir_result_op_name(enum result_op op)
{
	return op_names[op];
}

static const struct rule *
find_rule(int rc, enum result_op op)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].rc == rc && (rules[i].ops == ON_ALL || (rules[i].ops & ON(op))))
			return &rules[i];
	return NULL;
}

int
dir_result_err(const struct dir_flavour *flavour, const struct result *r, struct err *e)
{
	static const struct rule other = {0, ON_ALL, ERR_INTERNAL, "the directory answered with an error"};
	const struct rule *rule = find_rule(r->rc, r->op);
	enum err_code code;
	const char *text, *say = NULL;

	if (rule == NULL)
		rule = &other;
	code = rule->code;
	text = rule->text;
	if (flavour && flavour->refine && flavour->refine(r->rc, r->text, &code, &say))
		text = say ? say : code == rule->code ? rule->text : NULL;

	err_set(e, code, "%s", text ? text : err_text(code));
	if (e == NULL)
		return -1;
	e->ldap_rc = r->rc;
	/* The server's own words hold DNs and filters: operators only. */
	if (r->matched && *r->matched)
		err_cause(e, "matched \"%s\"", r->matched);
	return err_cause(e, "%s \"%s\": %s (%d)%s%s", op_names[r->op], r->target ? r->target : "",
			 ldap_err2string(r->rc), r->rc, r->text && *r->text ? ": " : "", r->text ? r->text : "");
}
