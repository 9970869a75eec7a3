/* SPDX-License-Identifier: Apache-2.0
 * Members and manager cut out of resources. */
#include "event/others.h"

#include "dirhinge/base/json.h"
#include "dirhinge/scim/schema.h"

#define MANAGER SCIM_URN_ENTERPRISE ":manager"

bool
event_names_others(bool user, struct strv text)
{
	const char *key = user ? "\"manager\":" : "\"members\":";

	return memmem(text.p, text.n, key, strlen(key)) != NULL;
}

static json_t *
copy(struct arena *a, const json_t *object)
{
	return json_keep(a, json_copy((json_t *)(uintptr_t)object));
}

const json_t *
event_without_others(struct arena *a, bool user, const json_t *part, bool *cut_r)
{
	const json_t *holder = user ? json_object_get(part, SCIM_URN_ENTERPRISE) : part;
	const char *key = user ? "manager" : "members";

	if (!json_object_get(holder, key))
		return part;
	*cut_r = true;
	json_t *rest = copy(a, holder);
	(void)json_object_del(rest, key);
	if (!user)
		return rest;
	json_t *resource = copy(a, part);
	if (json_object_size(rest) > 0)
		(void)json_object_set(resource, SCIM_URN_ENTERPRISE, rest);
	else
		(void)json_object_del(resource, SCIM_URN_ENTERPRISE);
	return resource;
}

const char *
event_others_path(bool user)
{
	return user ? MANAGER : "members";
}
