# SPDX-License-Identifier: Apache-2.0
nobase_noinst_HEADERS += include/dirhinge/store/store.h include/dirhinge/store/state.h include/dirhinge/store/held.h \
	include/dirhinge/store/cause.h include/dirhinge/store/first.h
noinst_LIBRARIES += libdirhinge-store.a
libdirhinge_store_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
libdirhinge_store_a_SOURCES = %D%/store_priv.h %D%/sql.h %D%/db.h %D%/db.c %D%/dir.c %D%/schema.c %D%/open.c \
	%D%/write.c %D%/read.c %D%/event.c %D%/meta.c %D%/state.c %D%/member.c %D%/held.c %D%/maintain.c %D%/cause.c \
	%D%/recent.c %D%/recent.h %D%/told.c %D%/fill.c %D%/fill.h %D%/first.c
