noinst_LIBRARIES += libdirhinge-http.a
libdirhinge_http_a_SOURCES = %D%/http.c
nobase_noinst_HEADERS += include/dirhinge/http/http.h
libdirhinge_http_a_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
