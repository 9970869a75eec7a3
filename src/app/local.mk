# SPDX-License-Identifier: Apache-2.0
# Everything but main() is a library, so that unit tests can link it.
noinst_LIBRARIES += libdirhinge-app.a
libdirhinge_app_a_SOURCES = \
	%D%/asset.c %D%/child.c %D%/cli.c %D%/config.c %D%/config_check.c %D%/config_check_clients.c \
	%D%/config_cmd.c %D%/config_load.c %D%/config_show.c %D%/demo.c %D%/demo_dir.c \
	%D%/doctor.c %D%/doctor_389ds.c %D%/doctor_active_directory.c %D%/doctor_connection.c %D%/doctor_feed.c %D%/doctor_kit.c %D%/doctor_rights.c %D%/doctor_schema.c %D%/doctor_server.c \
	%D%/doctor_writes.c %D%/event_line.c %D%/events_cmd.c %D%/guard_cmd.c %D%/notify.c %D%/process.c %D%/remote.c \
	%D%/serve.c %D%/sse.c %D%/sync_cmd.c %D%/table.c %D%/token.c %D%/wire.c %D%/wire_feed.c %D%/wire_http.c
nobase_noinst_HEADERS += \
	%D%/asset.h %D%/child.h %D%/cli.h %D%/config.h %D%/config_load.h %D%/config_rows.h %D%/demo_dir.h \
	%D%/doctor.h %D%/doctor_kit.h %D%/event_line.h %D%/notify.h %D%/process.h %D%/remote.h %D%/serve.h %D%/sse.h %D%/table.h %D%/token.h %D%/wire.h %D%/wire_feed.h %D%/wire_http.h
nodist_libdirhinge_app_a_SOURCES = src/app/assets.c
LIBS_app = libdirhinge-app.a libdirhinge-sync.a libdirhinge-net.a $(LIBS_http) $(CURL_LIBS)

bin_PROGRAMS += dirhinge
dirhinge_SOURCES = %D%/main.c
dirhinge_LDADD = $(LIBS_app)

# The files that dirhinge demo writes are part of the program. (The folder itself must not stand in EXTRA_DIST: make would
# build it from demo.c.)
demo_files = %D%/demo/init.ldif %D%/demo/base.ldif %D%/demo/config.yaml %D%/demo/tour.sh
app_assets = $(demo_files) schema/ldap/dirhinge.ldif
EXTRA_DIST += $(demo_files)
src/app/assets.c: $(app_assets) contrib/build-aux/embed.sh
	$(AM_V_GEN)$(MKDIR_P) src/app && for f in $(app_assets); do set -- "$$@" $(srcdir)/$$f; done && \
		$(SHELL) $(top_srcdir)/contrib/build-aux/embed.sh app_asset app/asset.h "$$@" >$@.tmp && mv $@.tmp $@
CLEANFILES += src/app/assets.c
