# SPDX-License-Identifier: Apache-2.0
# Benchmarks: two load generators and a driver. make bench BENCH='get filter --users 10000'
EXTRA_PROGRAMS = %D%/http_load %D%/ldap_load
%C%_http_load_SOURCES = %D%/bench.c %D%/bench.h %D%/http_conn.c %D%/http_conn.h %D%/http_load.c %D%/http_walk.c
%C%_http_load_CPPFLAGS = $(AM_CPPFLAGS) $(GNUTLS_CFLAGS)
%C%_http_load_LDADD = $(LIBS_base) $(GNUTLS_LIBS)
%C%_ldap_load_SOURCES = %D%/bench.c %D%/bench.h %D%/ldap_load.c
%C%_ldap_load_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS)
%C%_ldap_load_LDADD = $(LIBS_base) $(LDAP_LIBS)
CLEANFILES += $(EXTRA_PROGRAMS)

BENCH =
EXTRA_DIST += %D%/README.md %D%/run %D%/lab.py %D%/scenarios.py %D%/report.py

.PHONY: bench
bench: dirhinge$(EXEEXT) $(EXTRA_PROGRAMS)
	DIRHINGE_BUILD=$(abs_builddir) PYTHONDONTWRITEBYTECODE=1 $(abs_srcdir)/%D%/run $(BENCH)
