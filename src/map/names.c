/* SPDX-License-Identifier: Apache-2.0
 * Which characters a user name may not hold. Two names are equal when the directory says so (reliability.md T-09); it
 * takes names for different that nobody can tell apart on a screen, so what cannot be seen is refused. */
#include "map/plan.h"

/* RFC 8265 3.3 by way of RFC 8264 9.13: controls, invisible and direction-changing format characters, fillers, private
 * use, and code points that are no characters. */
static const struct {
	unsigned from, to;
} refused[] = {
	{0x00, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},        {0x34f, 0x34f},   {0x61c, 0x61c},   {0x115f, 0x1160},
	{0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f},    {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164},
	{0xe000, 0xf8ff}, {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},    {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
	{0xfffe, 0xffff}, {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff},
};

int
map_check_name(const struct map_row *row, struct strv value, struct err *e)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned cp = map_code_point(value, i);
		if (((unsigned char)value.p[i] & 0xc0) == 0x80)
			continue; /* inside a character */
		for (size_t k = 0; k < ARRAY_SIZE(refused); k++)
			if (cp >= refused[k].from && cp <= refused[k].to)
				return err_set(e, ERR_VALUE, "%s: U+%04X cannot be part of a user name",
					       row->leaf->path, cp);
	}
	return 0;
}
