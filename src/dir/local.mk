noinst_LIBRARIES += libdirhinge-dir.a
libdirhinge_dir_a_SOURCES = \
	%D%/attr.h %D%/dn.c %D%/entry.c %D%/filter.c %D%/filter_text.h
libdirhinge_dir_a_CFLAGS = $(AM_CFLAGS) $(LDAP_CFLAGS)
nobase_noinst_HEADERS += \
	include/dirhinge/dir/dir.h include/dirhinge/dir/dn.h include/dirhinge/dir/entry.h \
	include/dirhinge/dir/filter.h include/dirhinge/dir/flavour.h
