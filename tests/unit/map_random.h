/* SPDX-License-Identifier: Apache-2.0
 * Random resources for the property tests of src/map. */
#ifndef DIRHINGE_TESTS_MAP_RANDOM_H
#define DIRHINGE_TESTS_MAP_RANDOM_H

#include "dirhinge/map/map.h"

/* xorshift; *rng must not be 0. */
unsigned map_random(uint64_t *rng, unsigned n);

/* A user that scim_resource_normalise would let pass, of texts that are hard on one syntax or another; without manager
 * (needs a directory). Lives in a. leave_out: attribute that is not wanted, or NULL. */
json_t *map_random_user(struct arena *a, const struct map *m, uint64_t *rng, const char *leave_out);

/* Canonical text with lists in order and without id, meta, schemas: two resources that are the same give the same. */
const char *map_random_normal(struct arena *a, const json_t *res);

#endif
