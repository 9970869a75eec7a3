# SPDX-License-Identifier: Apache-2.0
# End-to-end tests: the built daemon with a real slapd. E2E holds more arguments for pytest:
#   make check-e2e E2E='-k "B1 or groups" -x'
E2E =
EXTRA_DIST += \
	tests/README.md \
	%D%/conftest.py \
	%D%/lsan.supp \
	%D%/support/__init__.py \
	%D%/support/daemon.py \
	%D%/support/ds389.py \
	%D%/support/feed.py \
	%D%/support/hinge.py \
	%D%/support/ldap.py \
	%D%/support/judge.py \
	%D%/support/match.py \
	%D%/support/net.py \
	%D%/support/prometheus.py \
	%D%/support/proxy.py \
	%D%/support/reader.py \
	%D%/support/samba.py \
	%D%/support/scim.py \
	%D%/support/server.py \
	%D%/support/side.py \
	%D%/support/slapd.py \
	%D%/support/slapdlog.py \
	%D%/support/tls.py \
	%D%/support/wait.py \
	%D%/test_active.py \
	%D%/test_bulk.py \
	%D%/test_cli.py \
	%D%/test_concurrency.py \
	%D%/test_core.py \
	%D%/test_core_active_directory.py \
	%D%/test_core_active_directory_sessions.py \
	%D%/test_core_doctor.py \
	%D%/test_core_feed.py \
	%D%/test_core_changes.py \
	%D%/test_core_races.py \
	%D%/test_core_same.py \
	%D%/core_session.json \
	%D%/test_cursor.py \
	%D%/test_directory_down.py \
	%D%/test_discovery.py \
	%D%/test_errors.py \
	%D%/test_events_api.py \
	%D%/test_extension.py \
	%D%/test_feed.py \
	%D%/test_feed_convergence.py \
	%D%/test_feed_faults.py \
	%D%/test_feed_polled.py \
	%D%/test_feed_storms.py \
	%D%/test_fences.py \
	%D%/test_etag.py \
	%D%/test_group_wire.py \
	%D%/test_groups.py \
	%D%/test_harness.py \
	%D%/test_identity.py \
	%D%/test_injection.py \
	%D%/test_legacy.py \
	%D%/test_limits.py \
	%D%/test_metrics.py \
	%D%/test_open_lists.py \
	%D%/test_paging.py \
	%D%/test_places.py \
	%D%/test_queries.py \
	%D%/test_random_filters.py \
	%D%/test_scale.py \
	%D%/test_search_request.py \
	%D%/test_setups.py \
	%D%/test_small_map.py \
	%D%/test_sort.py \
	%D%/test_strict.py \
	%D%/test_tls.py \
	%D%/test_typed.py \
	%D%/test_user_create.py \
	%D%/test_user_patch.py \
	%D%/test_user_put.py \
	%D%/test_wide_groups.py \
	%D%/test_wire_operations.py

.PHONY: check-e2e
check-e2e: dirhinge$(EXEEXT)
	@test -n "$(PYTEST)" || { echo "check-e2e needs pytest (Debian: python3-pytest)" >&2; exit 1; }
	$(corpora_env) DIRHINGE_BIN=$(abs_builddir)/dirhinge$(EXEEXT) PYTHONDONTWRITEBYTECODE=1 \
		$(PYTEST) -q -p no:cacheprovider $(abs_srcdir)/tests/e2e $(E2E)
