# SPDX-License-Identifier: Apache-2.0
# Other people's conformance tests. Needs PyPI; says so and passes where it cannot be reached.
EXTRA_DIST += %D%/report.py %D%/requirements.txt %D%/run

.PHONY: check-conformance
check-conformance: dirhinge$(EXEEXT)
	$(srcdir)/%D%/run $(abs_builddir)/dirhinge$(EXEEXT)
