noinst_LIBRARIES += libdirhinge-dir.a
libdirhinge_dir_a_SOURCES = \
	%D%/attr.h %D%/ber.c %D%/ber.h %D%/cleanup.h %D%/conn.c %D%/conn.h %D%/count.c %D%/count.h %D%/decode.c %D%/decode.h %D%/dir.c %D%/dn.c \
	%D%/entry.c %D%/filter.c %D%/filter_text.h %D%/flavour.c %D%/flavour_389ds.c %D%/flavour_active_directory.c %D%/flavour_openldap.c %D%/gather.c %D%/gather.h %D%/held.c %D%/held.h %D%/io.c %D%/io.h \
	%D%/ms.c %D%/ms.h \
	%D%/op_search.c %D%/op_write.c %D%/pool.c %D%/pool.h %D%/range.c %D%/result.c %D%/result.h %D%/rootdse.c %D%/rootdse.h %D%/search.h %D%/stream.c \
	%D%/subschema.c %D%/tls.c %D%/tls.h %D%/uri.c %D%/uri.h
# the change feed
libdirhinge_dir_a_SOURCES += \
	%D%/blob.c %D%/cookie.c %D%/cookie.h %D%/csn.c %D%/csn.h %D%/dirsync.c %D%/dirsync.h %D%/equal.c %D%/equal.h %D%/feed.c %D%/feed_ad.c %D%/feed_ad.h %D%/feed_conn.c %D%/feed_context.c %D%/feed_data.c %D%/feed_dirsync.c \
	%D%/feed_list.c %D%/feed_log.c %D%/feed_log.h %D%/feed_logcheck.c \
	%D%/feed_look.c %D%/feed_look.h %D%/feed_poll.c %D%/feed_priv.h %D%/logrec.c %D%/logrec.h %D%/op_apply.c %D%/syncmsg.c %D%/syncmsg.h
libdirhinge_dir_a_CFLAGS = $(AM_CFLAGS) $(LDAP_CFLAGS)
nobase_noinst_HEADERS += \
	include/dirhinge/dir/blob.h include/dirhinge/dir/dir.h include/dirhinge/dir/feed.h include/dirhinge/dir/dn.h include/dirhinge/dir/entry.h \
	include/dirhinge/dir/filter.h include/dirhinge/dir/flavour.h include/dirhinge/dir/stream.h
