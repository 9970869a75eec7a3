# SPDX-License-Identifier: Apache-2.0
nobase_noinst_HEADERS += include/dirhinge/event/event.h include/dirhinge/event/cursor.h include/dirhinge/event/select.h
noinst_LIBRARIES += libdirhinge-event.a
libdirhinge_event_a_SOURCES = %D%/type.c %D%/id.c %D%/write.c %D%/cursor.c %D%/before.h %D%/before.c %D%/choose.c \
	%D%/others.h %D%/others.c %D%/select.c
