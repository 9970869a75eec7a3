noinst_LIBRARIES += libdirhinge-gw.a
libdirhinge_gw_a_SOURCES = %D%/gw.c
nobase_noinst_HEADERS += include/dirhinge/gw/gw.h
