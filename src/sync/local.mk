# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libdirhinge-sync.a
libdirhinge_sync_a_SOURCES = \
	%D%/idmap.c %D%/idmap.h \
	%D%/observe.h \
	%D%/phase.c %D%/phase.h
nobase_noinst_HEADERS += include/dirhinge/sync/sync.h
