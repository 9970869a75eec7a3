noinst_LIBRARIES += libdirhinge-http.a
libdirhinge_http_a_SOURCES = \
	%D%/auth.c %D%/auth.h %D%/conns.c %D%/conns.h %D%/count.c %D%/count.h %D%/ep.h %D%/ep_admin.c %D%/ep_bulk.c %D%/ep_discovery.c %D%/ep_events.c %D%/ep_feed.c %D%/ep_health.c %D%/ep_scim.c \
	%D%/ep_search.c %D%/ep_snapshot.c %D%/ep_stream.c %D%/events.c %D%/events.h %D%/guard.c %D%/guard.h %D%/http.c %D%/http_priv.h %D%/listen.c %D%/listen.h %D%/media.c \
	%D%/media.h %D%/reply.c %D%/reply.h %D%/request.c %D%/request.h %D%/route.c %D%/route.h %D%/server.c \
	%D%/server.h %D%/tls.c %D%/tls.h %D%/uri.c %D%/uri.h
nobase_noinst_HEADERS += include/dirhinge/http/http.h
libdirhinge_http_a_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS) $(GNUTLS_CFLAGS)
