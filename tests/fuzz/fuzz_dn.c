/* SPDX-License-Identifier: Apache-2.0
 * A value of a client can become one RDN with exactly this value, below the base that was meant, or nothing; and any
 * text can be compared as a name. */
#include <ldap.h>

#include "dirhinge/dir/dn.h"
#include "fuzz.h"

static const char *const bases[] = {"", "dc=com", "ou=people,dc=example,dc=com", "ou=a\\2C b+cn=x , dc=com"};

static size_t
count(LDAPDN dn)
{
	size_t n = 0;

	while (dn && dn[n])
		n++;
	return n;
}

/* Judged with libldap's parser and not with the code under test. */
static void
check_shape(const char *text, const char *base, struct strv value)
{
	LDAPDN dn = NULL, parent = NULL;

	must(ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS);
	must(ldap_str2dn(base, &parent, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS);
	must(count(dn) == count(parent) + 1);
	must(dn[0][0] && !dn[0][1]);
	must(dn[0][0]->la_value.bv_len == value.n && memcmp(dn[0][0]->la_value.bv_val, value.p, value.n) == 0);
	must(dn[0][0]->la_attr.bv_len == 3 && memcmp(dn[0][0]->la_attr.bv_val, "uid", 3) == 0);
	ldap_dnfree(dn);
	ldap_dnfree(parent);
}

static void
build(struct arena *a, const char *base, struct strv value)
{
	struct err e = ERR_INIT;
	struct strv back = {NULL, 0};
	char *rdn = NULL, *dn = NULL;

	if (dir_rdn_build(a, "uid", value, &rdn, &e)) {
		must(e.code == ERR_VALUE && rdn == NULL);
		must(dir_dn_child(a, "uid", value, base, &dn, &e) == -1 && dn == NULL);
		return;
	}
	check_shape(rdn, "", value);
	must(dir_dn_child(a, "uid", value, base, &dn, &e) == 0);
	check_shape(dn, base, value);
	must(dir_dn_under(a, dn, base, false));
	must(dir_dn_rdn_value(a, dn, "UID", &back, &e) == 1 && strv_eq(back, value));
	must(str_eq(dir_dn_normal(a, dir_dn_parent(a, dn)), dir_dn_normal(a, base)));
}

/* A plain name is not parsed for its key; with a blank behind its commas it is. */
static void
compare_spaced(struct arena *a, const char *text)
{
	const char *key = dir_dn_normal(a, text), *comma = strchr(text, ',');

	if (key && comma && !strpbrk(text, "\\\"#") && strlen(text) < 4096)
		must(str_eq(key, dir_dn_normal(a, arena_printf(a, "%.*s, %s", (int)(comma - text), text, comma + 1))));
}

static void
compare(struct arena *a, const char *text)
{
	struct err e = ERR_INIT;
	compare_spaced(a, text);
	const char *key = dir_dn_normal(a, text);
	const char *parent = dir_dn_parent(a, text);
	struct strv v;

	if (key == NULL) {
		must(parent == NULL && !dir_dn_under(a, text, "", true));
		must(dir_dn_check(text, &e) == -1 && e.code == ERR_CONFIG);
		return;
	}
	must(dir_dn_under(a, text, text, true) && !dir_dn_under(a, text, text, false));
	/* The key is a name itself and its own key; "#" marks a value in BER, which has another form there. */
	if (strchr(key, '#') == NULL)
		must(str_eq(dir_dn_normal(a, key), key));
	if (parent) {
		must(dir_dn_under(a, text, parent, false));
		must(dir_dn_rdn_value(a, text, "uid", &v, &e) >= 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);

	if (size == 0)
		return 0;
	build(a, bases[data[0] % ARRAY_SIZE(bases)], strv_n((const char *)data + 1, size - 1));
	compare(a, arena_strndup(a, (const char *)data + 1, size - 1));
	return 0;
}
