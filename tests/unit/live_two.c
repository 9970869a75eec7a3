/* SPDX-License-Identifier: Apache-2.0
 * What the tests of faults and of TLS do with their two slapds. */
#include "live_two.h"

#include <poll.h>

struct live one, two;

void
live_check_fails(int rc, enum err_code why, int line)
{
	ck_assert_msg(rc == -1 && e.code == why, "line %d: rc %d, %s not %s: %s | %s", line, rc, err_name(e.code),
		      err_name(why), e.detail, e.cause);
	ck_assert_ptr_null(strstr(e.cause, "gwsecret"));
}

int
live_touch(struct dir *d, const char *value)
{
	struct dir_mods m;

	dir_mods_init(&m, a);
	dir_mods_value(&m, DIR_MOD_REPLACE, "description", strv_of(value));
	return dir_modify(d, a, PEOPLE, &m, NULL, SOON, &e);
}

int64_t
live_timed_ping(struct dir *d)
{
	int64_t begun = clock_mono_ms();

	fails(dir_ping(d, &e), ERR_UNAVAILABLE);
	return live_since(begun);
}

void
live_ping_until_ok(struct dir *d, int64_t ms)
{
	deadline_t until = deadline_in(ms);

	while (dir_ping(d, &e)) {
		ck_assert_msg(deadline_left(until) > 0, "no recovery within %d ms: %s", (int)ms, e.cause);
		poll(NULL, 0, 20);
	}
}

static void
setup(void)
{
	live_restore(&one);
	live_restore(&two);
	scratch_setup();
}

int
live_two_run(const char *name, const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(name);
	SRunner *sr = srunner_create(s);
	int status;

	tcase_set_timeout(unit_add_case(s, name, setup, scratch_teardown, tests, n), 120);
	srunner_set_fork_status(sr, CK_NOFORK);
	live_start(&one, "one", "good");
	live_start(&two, "two", "wrong-san");
	status = unit_finish(sr);
	live_end();
	return status;
}
