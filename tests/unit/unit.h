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

/* Exit status of the program. Tests of one case stand together in the list. */
static inline int
unit_run(const char *suite_name, const struct unit_test *tests, size_t n)
{
	Suite *suite = suite_create(suite_name);
	SRunner *runner = srunner_create(suite);
	TCase *tcase = NULL;

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(tests[i].tcase, tests[i - 1].tcase) != 0) {
			tcase = tcase_create(tests[i].tcase);
			tcase_set_timeout(tcase, 60);
			suite_add_tcase(suite, tcase);
		}
		if (tests[i].signal == 0)
			tcase_add_test(tcase, tests[i].test);
		else if (srunner_fork_status(runner) == CK_FORK)
			tcase_add_test_raise_signal(tcase, tests[i].test, tests[i].signal);
	}
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	must(srunner_ntests_run(runner) > 0 || getenv("CK_RUN_CASE") != NULL);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
