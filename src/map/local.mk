
libdirhinge_map_a_SOURCES = %D%/map.c
nobase_noinst_HEADERS += include/dirhinge/map/map.h
