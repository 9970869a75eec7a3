/* SPDX-License-Identifier: Apache-2.0
 * Paths of "changed" are taken by their form, "name.familyName" or "URN:attr.sub": no schema is needed, and an
 * attribute that the map has lost since is put back as well. */
#include "event/before.h"

#include "dirhinge/base/json.h"

struct place {
	const char *step[3]; /* keys from the resource inward */
	size_t n;
};

/* "urn:…:2.0:User:manager.displayName": the last colon ends the URN, whose own dots stand before it. */
static struct place
split(struct arena *a, const char *path)
{
	struct place p = {.n = 0};
	const char *colon = strrchr(path, ':');

	if (colon) {
		p.step[p.n++] = arena_strndup(a, path, (size_t)(colon - path));
		path = colon + 1;
	}
	const char *dot = strchr(path, '.');
	if (dot) {
		p.step[p.n++] = arena_strndup(a, path, (size_t)(dot - path));
		path = dot + 1;
	}
	p.step[p.n++] = path;
	return p;
}

/* Puts what previous holds at this place into res, or takes it out of res; objects left empty go as well. */
static void
put_back(json_t *res, const json_t *previous, const char *const *step, size_t n)
{
	json_t *was = json_object_get(previous, step[0]);

	if (n == 1 || (was && !json_is_object(was))) {
		if (was)
			(void)json_object_set(res, step[0], was);
		else
			(void)json_object_del(res, step[0]);
		return;
	}
	json_t *inner = json_object_get(res, step[0]);
	if (!json_is_object(inner)) {
		if (!was)
			return;
		inner = json_object();
		(void)json_object_set_new(res, step[0], inner);
	}
	put_back(inner, was, step + 1, n - 1);
	if (json_object_size(inner) == 0)
		(void)json_object_del(res, step[0]);
}

const json_t *
event_before(struct arena *a, const json_t *event)
{
	const json_t *data = json_object_get(event, "data");
	const json_t *changed = json_object_get(event, "changed");
	const json_t *previous = json_object_get(event, "previous");
	const json_t *path;
	size_t i;

	if (!json_is_object(data))
		return NULL;
	if (json_array_size(changed) == 0)
		return data;
	json_t *res = json_keep(a, json_deep_copy(data));
	json_array_foreach (changed, i, path) {
		if (!json_is_string(path) || !*json_string_value(path))
			continue;
		struct place p = split(a, json_string_value(path));
		put_back(res, previous, p.step, p.n);
	}
	return res;
}
