# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libdirhinge-net.a
libdirhinge_net_a_SOURCES = %D%/local.c
libdirhinge_net_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
nobase_noinst_HEADERS += include/dirhinge/net/local.h
