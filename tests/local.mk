# Public test data that is not part of the project: beside the checkout, or where DIRHINGE_CORPORA says; tests that need
# it skip visibly without it.
corpora_env = \
	DIRHINGE_CORPORA="$${DIRHINGE_CORPORA:-$(abs_top_srcdir)/../shared/corpora}"; export DIRHINGE_CORPORA;

include tests/unit/base.mk
include tests/unit/scim.mk
include tests/unit/dir.mk
include tests/unit/map.mk
include tests/unit/net.mk
include tests/unit/store.mk
include tests/unit/event.mk
include tests/unit/gw.mk
include tests/unit/sync.mk
include tests/unit/http.mk
include tests/unit/app.mk
include tests/vectors/local.mk
include tests/fuzz/local.mk
include tests/lint/local.mk
include tests/e2e/local.mk
include tests/conformance/local.mk
include tests/bench/local.mk
