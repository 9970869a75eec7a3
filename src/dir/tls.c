/* SPDX-License-Identifier: Apache-2.0
 * TLS options: libldap is built with GnuTLS on some systems and with OpenSSL on others, and the two differ in silence.
 */
#include "dir/tls.h"

#include <unistd.h>

#include "dirhinge/base/strv.h"

/* Without a file OpenSSL finds the system's authorities itself; GnuTLS behind libldap trusts nobody then. */
static const char *
system_ca(void)
{
	static const char *const bundles[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* RHEL */
		"/etc/ssl/ca-bundle.pem",             /* SUSE */
		"/etc/ssl/cert.pem",                  /* BSD */
	};

	for (size_t i = 0; i < ARRAY_SIZE(bundles); i++)
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	return NULL;
}

static bool
is_gnutls(void)
{
	char *package = NULL;
	bool yes = ldap_get_option(NULL, LDAP_OPT_X_TLS_PACKAGE, &package) == LDAP_OPT_SUCCESS &&
		   str_caseeq(package, "GnuTLS");

	ldap_memfree(package);
	return yes;
}

int
dir_tls_setup(LDAP *ld, const char *ca_file, struct err *e)
{
	const int demand = LDAP_OPT_X_TLS_DEMAND, client = 0, min = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
	const char *ca = ca_file ? ca_file : is_gnutls() ? system_ca() : NULL;
	int rc = ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);

	/* The default lets a certificate through whose subject alternative names do not fit (reliability.md T-30). */
	if (rc == LDAP_OPT_SUCCESS)
		rc = ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_SAN, &demand);
	/* GnuTLS ignores it, and a priority string there leaks 8 kB with each context (libldap 2.5): dir_tls_check().
	 */
	if (rc == LDAP_OPT_SUCCESS)
		rc = ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &min);
	if (rc == LDAP_OPT_SUCCESS && ca)
		rc = ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca);
	if (rc != LDAP_OPT_SUCCESS)
		return err_set(e, ERR_CONFIG, "libldap does not accept the TLS options: is it built with TLS?");
	/* Options of a handle take effect in a new context only. */
	if (ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) != LDAP_OPT_SUCCESS)
		return err_set(e, ERR_CONFIG, "the certificate authorities in \"%s\" cannot be read as PEM",
			       ca ? ca : "the system's store");
	return 0;
}

int
dir_tls_check(LDAP *ld, const char **why_r)
{
	char *version = NULL;
	bool new_enough;

	if (!ldap_tls_inplace(ld)) {
		*why_r = "TLS is not in place";
		return -1;
	}
	/* "TLSv1.3" from OpenSSL, "TLS1.3" from GnuTLS; what is not known is not good enough. */
	ldap_get_option(ld, LDAP_OPT_X_TLS_VERSION, &version);
	new_enough = version && (strstr(version, "1.2") || strstr(version, "1.3"));
	ldap_memfree(version);
	*why_r = "the server does not offer TLS 1.2 or newer";
	return new_enough ? 0 : -1;
}
