/* SPDX-License-Identifier: Apache-2.0
 * The main of a libcheck program: a list of tests in named cases. Check's variables apply (CK_RUN_CASE, CK_FORK=no,
 * CK_VERBOSITY); tests that expect an abort need the fork and are left out without it. */
#ifndef DIRHINGE_TESTS_UNIT_H
#define DIRHINGE_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dirhinge/base/defs.h"

struct unit_test {
	const char *tcase;
	const TTest *test;
	int signal; /* that ends the test, 0 = none */
};

/* Runs what the runner holds and frees it. Returns the exit status of the program. */
static inline int
unit_finish(SRunner *runner)
{
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	must(srunner_ntests_run(runner) > 0 || getenv("CK_RUN_CASE") != NULL);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int
unit_run_suite(Suite *suite)
{
	return unit_finish(srunner_create(suite));
}

/* A new case with these fixtures; more tests may be added to it. */
static inline TCase *
unit_add_case(Suite *suite, const char *name, SFun setup, SFun teardown, const TTest *const *tests, size_t n)
{
	TCase *tcase = tcase_create(name);

	if (setup || teardown)
		tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return tcase;
}

/* Exit status of the program. Tests of one case stand together in the list. */
static inline int
unit_run(const char *suite_name, const struct unit_test *tests, size_t n)
{
	Suite *suite = suite_create(suite_name);
	SRunner *runner = srunner_create(suite);
	TCase *tcase = NULL;

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(tests[i].tcase, tests[i - 1].tcase) != 0)
			tcase = unit_add_case(suite, tests[i].tcase, NULL, NULL, NULL, 0);
		if (tests[i].signal == 0)
			tcase_add_test(tcase, tests[i].test);
		else if (srunner_fork_status(runner) == CK_FORK)
			tcase_add_test_raise_signal(tcase, tests[i].test, tests[i].signal);
	}
	return unit_finish(runner);
}

#endif
