noinst_LIBRARIES += libdirhinge-base.a
libdirhinge_base_a_SOURCES = \
	%D%/arena.c %D%/buf.c %D%/clock.c %D%/codec.c %D%/conf.c %D%/conf_print.c %D%/conf_unit.h %D%/err.c %D%/file.c \
	%D%/json.c %D%/log.c %D%/mem.h %D%/metrics.c %D%/room.c %D%/secret.c %D%/strmap.c %D%/strv.c \
	%D%/thread.c %D%/timecodec.c %D%/unicode.c %D%/yaml.c \
	%D%/yaml_keys.h
libdirhinge_base_a_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
nobase_noinst_HEADERS += \
	include/dirhinge/base/arena.h include/dirhinge/base/buf.h include/dirhinge/base/clock.h \
	include/dirhinge/base/codec.h include/dirhinge/base/conf.h include/dirhinge/base/defs.h \
	include/dirhinge/base/err.h include/dirhinge/base/file.h include/dirhinge/base/json.h \
	include/dirhinge/base/log.h include/dirhinge/base/metrics.h include/dirhinge/base/room.h \
	include/dirhinge/base/secret.h include/dirhinge/base/strmap.h \
	include/dirhinge/base/strv.h include/dirhinge/base/thread.h include/dirhinge/base/unicode.h include/dirhinge/base/yaml.h
