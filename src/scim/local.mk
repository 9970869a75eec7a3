noinst_LIBRARIES += libdirhinge-scim.a
libdirhinge_scim_a_SOURCES = \
	%D%/ctx.c %D%/schema.c \
	%D%/lex.c %D%/lex.h %D%/name.c %D%/name.h %D%/text.c %D%/text.h %D%/path.c \
	%D%/filter.c %D%/filter_check.c %D%/filter_eval.c %D%/filter_parse.h %D%/filter_text.c \
	%D%/body.c %D%/bulk.c %D%/bulk_refs.c %D%/bulk_refs.h %D%/diff.c %D%/message.c %D%/normal.h %D%/normalise.c \
	%D%/patch.c %D%/patch_apply.c %D%/patch_apply.h %D%/patch_members.c %D%/patch_select.c %D%/project.c \
	%D%/replace.c %D%/resource.c %D%/sort.c %D%/value.c %D%/view.c
nobase_noinst_HEADERS += \
	include/dirhinge/scim/bulk.h include/dirhinge/scim/ctx.h include/dirhinge/scim/diff.h include/dirhinge/scim/filter.h \
	include/dirhinge/scim/message.h include/dirhinge/scim/patch.h include/dirhinge/scim/path.h \
	include/dirhinge/scim/project.h include/dirhinge/scim/resource.h include/dirhinge/scim/schema.h \
	include/dirhinge/scim/sort.h include/dirhinge/scim/view.h
