# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
net_tests = tests/unit/test_net_local
check_PROGRAMS += $(net_tests)
TESTS += $(net_tests)
tests_unit_test_net_local_SOURCES = tests/unit/test_net_local.c
tests_unit_test_net_local_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_net_local_LDADD = $(LIBS_net) $(CHECK_LIBS)
endif
