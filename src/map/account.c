/* SPDX-License-Identifier: Apache-2.0
 * userAccountControl ([MS-ADTS] 2.2.16): one bit of it says that an account is disabled, the others grant power. Only
 * that bit ever changes, and only if the rest still is what was read (reliability.md T-06). */
#include "map/account.h"

#include "dirhinge/base/codec.h"

#define UAC     "userAccountControl"
#define EXPIRES "accountExpires"

#define ACCOUNT_DISABLE 0x2u
#define NORMAL_ACCOUNT  0x200u

#define NEVER    "9223372036854775807"
/* From 1601, the beginning of a FILETIME, to 1970. */
#define EPOCH_US INT64_C(11644473600000000)

const char *const map_account_attrs[] = {UAC, EXPIRES, NULL};

/* A decimal number of the directory; false if there is none. Signed 32 bits for UAC: some tools write it so. */
static bool
number(struct strv s, int64_t *n_r)
{
	bool minus = strv_starts(s, STRV("-"));
	int64_t n = 0;

	if (s.n <= minus || s.n > 19)
		return false;
	for (size_t i = minus; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || n > (INT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (s.p[i] - '0');
	}
	*n_r = minus ? -n : n;
	return true;
}

static bool
bit_set(const struct dir_entry *en)
{
	int64_t uac;
	return number(dir_entry_first(en, UAC), &uac) && ((uint32_t)uac & ACCOUNT_DISABLE);
}

/* Of 100 ns since 1601; 0 and the largest number mean never. */
static bool
expired(const struct dir_entry *en, int64_t now_us)
{
	int64_t t;
	return number(dir_entry_first(en, EXPIRES), &t) && t > 0 && t / 10 - EPOCH_US <= now_us;
}

bool
map_account_disabled(const struct dir_entry *en, int64_t now_us)
{
	return bit_set(en) || expired(en, now_us);
}

static const char *
with_bit(struct map_run *r, struct strv old, bool disable)
{
	int64_t uac = NORMAL_ACCOUNT;
	uint32_t bits;

	if (old.p && !number(old, &uac))
		uac = NORMAL_ACCOUNT;
	bits = (uint32_t)uac;
	bits = disable ? bits | ACCOUNT_DISABLE : bits & ~ACCOUNT_DISABLE;
	return arena_printf(r->a, "%d", (int)(int32_t)bits);
}

void
map_account_write(struct map_run *r, const struct dir_entry *en, bool disable, struct dir_mods *mods)
{
	struct strv old = en ? dir_entry_first(en, UAC) : (struct strv){0};

	if (!en || bit_set(en) != disable) {
		/* Deleting the value that was read is the lock: whoever changed another bit since makes this fail. An
		 * entry whose value cannot be read has one all the same, and then the add fails. */
		if (old.p)
			dir_mods_value(mods, DIR_MOD_DELETE, UAC, old);
		dir_mods_value(mods, DIR_MOD_ADD, UAC, strv_of(with_bit(r, old, disable)));
	}
	if (en && !disable && expired(en, r->now_us)) {
		dir_mods_value(mods, DIR_MOD_DELETE, EXPIRES, dir_entry_first(en, EXPIRES));
		dir_mods_value(mods, DIR_MOD_ADD, EXPIRES, STRV(NEVER));
	}
}

const struct dir_filter *
map_account_filter(struct map_run *r, const struct dir_caps *caps DH_UNUSED, bool *exact_r)
{
	const char *now = arena_printf(r->a, "%lld", (long long)((r->now_us + EPOCH_US) * 10));
	/* LDAP_MATCHING_RULE_BIT_AND */
	const struct dir_filter *bit = dir_f_ext(r->a, UAC, "1.2.840.113556.1.4.803", STRV("2"));

	*exact_r = true;
	return dir_f_or2(r->a, bit,
			 dir_f_and2(r->a, dir_f_ge(r->a, EXPIRES, STRV("1")), dir_f_le(r->a, EXPIRES, strv_of(now))));
}
