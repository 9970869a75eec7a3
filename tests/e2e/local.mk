# SPDX-License-Identifier: Apache-2.0
# End-to-end tests: the built daemon with a real slapd. E2E holds more arguments for pytest:
#   make check-e2e E2E='-k "B1 or groups" -x'
E2E =
dist_noinst_DATA_E2E = \
	%D%/conftest.py \
	%D%/support/__init__.py \
	%D%/support/daemon.py \
	%D%/support/hinge.py \
	%D%/support/ldap.py \
	%D%/support/match.py \
	%D%/support/scim.py \
	%D%/support/slapd.py \
	%D%/support/slapdlog.py \
	%D%/support/wait.py \
	%D%/test_queries.py
EXTRA_DIST += $(dist_noinst_DATA_E2E) tests/README.md

.PHONY: check-e2e
check-e2e: dirhinge$(EXEEXT)
	@test -n "$(PYTEST)" || { echo "check-e2e needs pytest (Debian: python3-pytest)" >&2; exit 1; }
	DIRHINGE_BIN=$(abs_builddir)/dirhinge$(EXEEXT) PYTHONDONTWRITEBYTECODE=1 \
		$(PYTEST) -q -p no:cacheprovider $(abs_srcdir)/tests/e2e $(E2E)
