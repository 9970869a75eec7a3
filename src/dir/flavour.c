/* SPDX-License-Identifier: Apache-2.0
 * The list of directory products; a new one is one line here and one file flavour_NAME.c. */
#include "dirhinge/dir/flavour.h"

static const struct dir_flavour *const flavours[] = {
	&dir_flavour_openldap,
	&dir_flavour_active_directory,
	&dir_flavour_389ds,
};

int
dir_flavour_find(const char *name, const struct dir_flavour **f_r, struct err *e)
{
	const char *names[ARRAY_SIZE(flavours) + 1] = {"auto"};

	if (name == NULL || str_eq(name, "auto")) {
		*f_r = NULL;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(flavours); i++) {
		if (str_eq(name, flavours[i]->name)) {
			*f_r = flavours[i];
			return 0;
		}
		names[i + 1] = flavours[i]->name;
	}

	const char *near = str_nearest(name, names, ARRAY_SIZE(names));

	return err_set(e, ERR_CONFIG, "the directory flavour \"%s\" is not known; %s \"%s\"", name,
		       near ? "did you mean" : "use", near ? near : "auto");
}

const struct dir_flavour *
dir_flavour_probe(const struct dir_entry *root_dse)
{
	const struct dir_flavour *best = NULL;
	int best_score = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flavours); i++) {
		int score = flavours[i]->probe(root_dse);

		if (score > best_score) {
			best = flavours[i];
			best_score = score;
		}
	}
	return best;
}
