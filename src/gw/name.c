/* SPDX-License-Identifier: Apache-2.0
 * User names in form C before anything is derived from them (contrib/decisions/0010-unicode.md). */
#include "dirhinge/base/unicode.h"
#include "gw/gw_priv.h"

void
gw_name_form_c(struct gw_run *run, const json_t *before, json_t *res)
{
	const json_t *value = json_object_get(res, "userName");
	struct strv name;
	/* A name that is there already stays as it is. */
	if (run->q->type != GW_USERS || !json_is_string(value) ||
	    json_equal(value, json_object_get(before, "userName")))
		return;
	struct strv text = strv_n(json_string_value(value), json_string_length(value));
	if (unicode_nfc(run->m.a, text, &name, NULL) == 0)
		json_object_set_new(res, "userName", json_stringn(name.p, name.n));
}
