# SPDX-License-Identifier: Apache-2.0
lint_scripts = %D%/layers.sh %D%/foreign.sh %D%/banned.sh %D%/paste.sh %D%/headers.sh %D%/size.sh %D%/globals.sh \
	%D%/names.sh %D%/format.sh %D%/hardening.sh
TESTS += $(lint_scripts)
EXTRA_DIST += $(lint_scripts) %D%/lib.sh %D%/layers.txt

# $(MHD_CFLAGS) and friends: the private headers of an adapter include the library they adapt.
AM_TESTS_ENVIRONMENT = $(corpora_env) \
	CC='$(CC)'; CLANG_FORMAT='$(CLANG_FORMAT)'; builddir='$(abs_builddir)'; \
	HARDENING='$(enable_hardening)'; SANITIZERS='$(enable_sanitizers)'; FORTIFY='$(FORTIFY)'; \
	LINT_CFLAGS='$(JANSSON_CFLAGS) $(MHD_CFLAGS) $(LDAP_CFLAGS) $(YAML_CFLAGS)'; \
	export CC CLANG_FORMAT builddir HARDENING SANITIZERS FORTIFY LINT_CFLAGS;

.PHONY: lint format tidy
lint: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(lint_scripts)'

format:
	cd $(srcdir) && find src include tests -name '*.[ch]' | xargs $(CLANG_FORMAT) -i

tidy:
	cd $(srcdir) && bad=0; for f in $$(find src -name '*.c' | LC_ALL=C sort); do \
		$(CLANG_TIDY) --quiet $$f -- -std=gnu17 -D_GNU_SOURCE -Iinclude -Isrc -I$(abs_builddir) -I$(abs_builddir)/src \
			$(JANSSON_CFLAGS) $(MHD_CFLAGS) $(LDAP_CFLAGS) $(YAML_CFLAGS) $(CRYPTO_CFLAGS) 2>/dev/null || bad=1; done; \
	exit $$bad
