# SPDX-License-Identifier: Apache-2.0
# Everything but main() is a library, so that unit tests can link it.
noinst_LIBRARIES += libdirhinge-app.a
libdirhinge_app_a_SOURCES = \
	%D%/cli.c %D%/config.c %D%/config_check.c %D%/config_check_clients.c %D%/config_cmd.c %D%/config_load.c \
	%D%/config_show.c %D%/notify.c %D%/serve.c %D%/token.c %D%/wire.c
nobase_noinst_HEADERS += \
	%D%/cli.h %D%/config.h %D%/config_load.h %D%/config_rows.h %D%/notify.h \
	%D%/serve.h %D%/token.h %D%/wire.h
LIBS_app = libdirhinge-app.a $(LIBS_http)

bin_PROGRAMS += dirhinge
dirhinge_SOURCES = %D%/main.c
dirhinge_LDADD = $(LIBS_app)
