noinst_LIBRARIES += libdirhinge-scim.a
libdirhinge_scim_a_SOURCES = \
	%D%/ctx.c %D%/schema.c
nobase_noinst_HEADERS += \
	include/dirhinge/scim/ctx.h include/dirhinge/scim/diff.h include/dirhinge/scim/filter.h \
	include/dirhinge/scim/message.h include/dirhinge/scim/patch.h include/dirhinge/scim/path.h \
	include/dirhinge/scim/project.h include/dirhinge/scim/resource.h include/dirhinge/scim/schema.h
