/* SPDX-License-Identifier: Apache-2.0
 * Names of accounts before they are written (reliability.md T-09): form C and nothing invisible. Whether two names are
 * the same is for the directory to say. */
#include "dirhinge/base/unicode.h"
#include "gw/gw_priv.h"

int
gw_prepare_name(struct gw_run *run, const json_t *before, json_t *res, struct err *e)
{
	const json_t *value = json_object_get(res, "userName");
	struct strv name;
	/* A name that is there already stays: whoever has an odd one must still be disabled and changed. */
	if (run->q->type != GW_USERS || !json_is_string(value) ||
	    json_equal(value, json_object_get(before, "userName")))
		return 0;
	struct strv text = strv_n(json_string_value(value), json_string_length(value));
	if (unicode_prepare_name(run->m.a, text, &name, e) < 0) {
		char why[sizeof e->detail];
		err_render(e, why, sizeof why);
		return err_set(e, ERR_VALUE, "userName: %s", why);
	}
	json_object_set_new(res, "userName", json_stringn(name.p, name.n));
	return 0;
}
