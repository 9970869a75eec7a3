/* SPDX-License-Identifier: Apache-2.0
 * Unicode forms of names, by libunistring. */
#include "dirhinge/base/unicode.h"

#include <stdlib.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

static bool
is_printable_ascii(struct strv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

int
unicode_nfc(struct arena *a, struct strv text, struct strv *out_r, struct err *e)
{
	size_t n = 0;
	if (!utf8_valid(text, NULL))
		return err_set(e, ERR_VALUE, "the text is not valid UTF-8");
	if (text.n == 0 || is_printable_ascii(text)) {
		*out_r = strv_n(arena_strndup(a, text.p, text.n), text.n);
		return 0;
	}
	uint8_t *nfc = u8_normalize(UNINORM_NFC, (const uint8_t *)text.p, text.n, NULL, &n);
	must(nfc); /* valid UTF-8 and memory are all it needs */
	*out_r = strv_n(arena_strndup(a, (const char *)nfc, n), n);
	free(nfc);
	return 0;
}

/* Why a code point cannot be part of a name, NULL if it can. */
static const char *
objection(ucs4_t c)
{
	static const struct {
		uint32_t categories;
		const char *what;
	} rows[] = {
		{UC_CATEGORY_MASK_Cc, "a control character"},
		{UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp, "a line separator"},
		{UC_CATEGORY_MASK_Cf, "an invisible format character"}, /* bidi controls, ZWSP, ZWJ, soft hyphen */
		{UC_CATEGORY_MASK_Co, "a private-use character"},
		{UC_CATEGORY_MASK_Cn, "not an assigned character"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (uc_is_general_category_withtable(c, rows[i].categories))
			return rows[i].what;
	/* RFC 8264 9.13: Hangul fillers, variation selectors, the combining grapheme joiner */
	return uc_is_property(c, UC_PROPERTY_DEFAULT_IGNORABLE_CODE_POINT) ? "an invisible character" : NULL;
}

int
unicode_prepare_name(struct arena *a, struct strv text, struct strv *out_r, struct err *e)
{
	struct strv nfc;
	ucs4_t c;
	if (unicode_nfc(a, text, &nfc, e) < 0)
		return -1;
	const uint8_t *p = (const uint8_t *)nfc.p;
	for (size_t left = nfc.n; left > 0;) {
		int step = u8_mbtoucr(&c, p, left);
		must(step > 0);
		const char *what = objection(c);
		if (what)
			return err_set(e, ERR_VALUE, "U+%04X is %s and cannot be part of a name", (unsigned)c, what);
		p += step;
		left -= (size_t)step;
	}
	*out_r = nfc;
	return 0;
}
