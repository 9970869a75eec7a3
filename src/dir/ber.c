/* SPDX-License-Identifier: Apache-2.0
 * A careful reader over liblber. */
#include "dir/ber.h"

size_t
dir_ber_left(const struct ber_reader *r)
{
	ber_len_t n = 0;

	ber_get_option(r->ber, LBER_OPT_BER_REMAINING_BYTES, &n);
	return n;
}

int
dir_ber_garbled(struct ber_reader *r, const char *what, struct err *e)
{
	return err_at(e, r->size - dir_ber_left(r), ERR_PARSE, "%s: %s", r->what, what);
}

ber_tag_t
dir_ber_peek(struct ber_reader *r)
{
	ber_len_t len = 0;
	ber_tag_t tag = dir_ber_left(r) ? ber_peek_tag(r->ber, &len) : LBER_DEFAULT;

	return tag != LBER_DEFAULT && len <= dir_ber_left(r) ? tag : LBER_DEFAULT;
}

int
dir_ber_enter(struct ber_reader *r, ber_tag_t want, struct err *e)
{
	ber_len_t len;

	if (dir_ber_peek(r) != want || ber_skip_tag(r->ber, &len) != want || len != dir_ber_left(r))
		return dir_ber_garbled(r, "not the sequence it should be", e);
	return 0;
}

int
dir_ber_bytes(struct ber_reader *r, ber_tag_t want, const char *missing, struct berval *bv_r, struct err *e)
{
	if (dir_ber_peek(r) != want || ber_scanf(r->ber, "m", bv_r) == LBER_ERROR)
		return dir_ber_garbled(r, missing, e);
	return 0;
}

int
dir_ber_at_end(struct ber_reader *r, struct err *e)
{
	return dir_ber_left(r) ? dir_ber_garbled(r, "more than there should be", e) : 0;
}

int
dir_ber_begin(struct ber_reader *r, struct arena *a, const char *what, struct strv value, struct err *e)
{
	struct berval bv = dir_ber_view(value);

	*r = (struct ber_reader){.a = a, .ber = ber_init(&bv), .size = value.n, .what = what};
	return r->ber ? 0 : err_set(e, ERR_PARSE, "%s: empty", what);
}

void
dir_ber_end(struct ber_reader *r)
{
	if (r->ber)
		ber_free(r->ber, 1);
	r->ber = NULL;
}
