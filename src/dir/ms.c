/* SPDX-License-Identifier: Apache-2.0
 * Values as Active Directory wants them: GUIDs, passwords, addresses of entries. */
#include "dir/ms.h"

#include "dirhinge/base/codec.h"
#include "dirhinge/dir/dir.h"

int
dir_guid_bytes(struct arena *a, struct strv text, struct strv *bytes_r)
{
	/* The groups of 4, 2 and 2 bytes are stored little-endian, the rest as it is read. */
	static const unsigned char order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	unsigned char uuid[16];
	char guid[16];

	if (uuid_parse(text, uuid, NULL))
		return -1;
	for (size_t i = 0; i < sizeof guid; i++)
		guid[i] = (char)uuid[order[i]];
	*bytes_r = strv_n(arena_strndup(a, guid, sizeof guid), sizeof guid);
	return 0;
}

struct strv
dir_guid_text(struct arena *a, struct strv v)
{
	unsigned char guid[16];
	char text[37];

	if (v.n != sizeof guid)
		return (struct strv){NULL, 0};
	memcpy(guid, v.p, sizeof guid);
	guid_format(guid, text);
	return strv_of(arena_strdup(a, text));
}

const char *
dir_address(struct arena *a, const struct dir_caps *caps, const char *dn, const char *id)
{
	if (id == NULL || !caps->flavour->guid_base || !uuid_valid(strv_of(id)))
		return dn;
	return arena_printf(a, "<GUID=%s>", id);
}

bool
dir_usn_parse(struct strv text, int64_t *n_r)
{
	int64_t n = 0;

	if (text.n == 0 || text.n > 18)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = n * 10 + (text.p[i] - '0');
	}
	*n_r = n;
	return true;
}

/* --- passwords --- */

/* Code point at *at of valid UTF-8, which is moved behind it. */
static unsigned
next_code_point(struct strv s, size_t *at)
{
	unsigned char c = (unsigned char)s.p[(*at)++];
	unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
	unsigned cp = more ? c & (0x3fu >> more) : c;

	for (; more; more--)
		cp = cp << 6 | ((unsigned char)s.p[(*at)++] & 0x3fu);
	return cp;
}

static void
put_unit(char *out, size_t *n, unsigned unit)
{
	out[(*n)++] = (char)(unit & 0xff);
	out[(*n)++] = (char)(unit >> 8 & 0xff);
}

int
dir_ms_password(struct arena *a, struct strv password, struct strv *value_r, struct err *e)
{
	/* No UTF-8 sequence needs more than two bytes a byte of its own. */
	char *out = ARENA_ARRAY(a, 2 * password.n + 4, char);
	size_t n = 0, at = 0;

	if (!utf8_valid(password, NULL))
		return err_set(e, ERR_VALUE, "the password is not valid UTF-8");
	put_unit(out, &n, '"');
	while (at < password.n) {
		unsigned cp = next_code_point(password, &at);

		if (cp < 0x10000) {
			put_unit(out, &n, cp);
			continue;
		}
		put_unit(out, &n, 0xd800 + ((cp - 0x10000) >> 10));
		put_unit(out, &n, 0xdc00 + ((cp - 0x10000) & 0x3ff));
	}
	put_unit(out, &n, '"');
	*value_r = strv_n(out, n);
	return 0;
}
