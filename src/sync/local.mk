# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libdirhinge-sync.a
libdirhinge_sync_a_SOURCES = \
	%D%/canary.c %D%/canary.h \
	%D%/guard.c \
	%D%/idmap.c %D%/idmap.h \
	%D%/ids.c \
	%D%/live.c \
	%D%/members.c \
	%D%/observe.c %D%/observe.h \
	%D%/phase.c %D%/phase.h \
	%D%/reader.c %D%/reader.h \
	%D%/ready.c %D%/ready.h \
	%D%/reconcile.c \
	%D%/refer.c \
	%D%/refresh.c \
	%D%/resource.c \
	%D%/seen.h \
	%D%/setup.c \
	%D%/status.c %D%/status.h \
	%D%/sync.c %D%/sync_priv.h \
	%D%/take.c \
	%D%/tell.c %D%/tell.h
nobase_noinst_HEADERS += include/dirhinge/sync/sync.h
