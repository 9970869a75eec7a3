# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libdirhinge-map.a
libdirhinge_map_a_SOURCES = \
	%D%/account.c %D%/account.h %D%/active.c %D%/active.h %D%/attrs.c %D%/codec.c %D%/country.c %D%/country.h %D%/derive.c %D%/derive.h %D%/ids.c %D%/kind.c %D%/load.c %D%/manager.c \
	%D%/map_priv.h %D%/multi.c %D%/names.c %D%/password.c %D%/plain.c %D%/plan.c %D%/plan.h %D%/query.c %D%/query.h \
	%D%/query_multi.c %D%/refs.c %D%/reverse.h %D%/rows.c %D%/schemas.c %D%/schemas.h %D%/state.c %D%/to_scim.c %D%/typed.c %D%/typed.h %D%/wide.c
nodist_libdirhinge_map_a_SOURCES = %D%/assets.c
nobase_noinst_HEADERS += include/dirhinge/map/map.h include/dirhinge/map/refs.h include/dirhinge/map/watch.h

# The schemas and maps that are built in.
map_assets = \
	$(top_srcdir)/schema/scim/enterprise.json $(top_srcdir)/schema/scim/group.json \
	$(top_srcdir)/schema/scim/user.json $(top_srcdir)/schema/map/389ds.yaml \
	$(top_srcdir)/schema/map/active-directory.yaml $(top_srcdir)/schema/map/openldap.yaml
%D%/assets.c: $(map_assets) $(top_srcdir)/contrib/build-aux/embed.sh %D%/$(am__dirstamp)
	$(AM_V_GEN)$(SHELL) $(top_srcdir)/contrib/build-aux/embed.sh map_asset map/map_priv.h $(map_assets) >$@.tmp && \
	mv -f $@.tmp $@
BUILT_SOURCES += %D%/assets.c
CLEANFILES += %D%/assets.c %D%/assets.c.tmp
EXTRA_DIST += contrib/build-aux/embed.sh
