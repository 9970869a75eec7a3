# SPDX-License-Identifier: Apache-2.0
nobase_noinst_HEADERS += include/dirhinge/net/local.h
