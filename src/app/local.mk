bin_PROGRAMS += dirhinge
dirhinge_SOURCES = %D%/main.c
dirhinge_LDADD = $(LIBS_http)
