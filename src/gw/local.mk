noinst_LIBRARIES += libdirhinge-gw.a
libdirhinge_gw_a_SOURCES = \
	%D%/bulk.c %D%/cause.c %D%/cause.h %D%/create.c %D%/cursor.c %D%/cursor.h %D%/delete.c %D%/execute.c %D%/execute.h %D%/fence.c %D%/fence.h %D%/fetch.c %D%/get.c %D%/gw.c \
	%D%/gw_priv.h %D%/memberlist.c %D%/members.c %D%/name.c %D%/patch.c %D%/places.c %D%/places.h %D%/protect.c %D%/protect.h %D%/query.h %D%/rate.c %D%/rate.h %D%/refs.c %D%/replace.c \
	%D%/scan.c %D%/search.c %D%/snapshot.c %D%/snapshot.h %D%/stream.c %D%/stream.h %D%/turns.c %D%/turns.h %D%/update.c %D%/update.h %D%/version.c \
	%D%/writers.c
nobase_noinst_HEADERS += include/dirhinge/gw/gw.h
