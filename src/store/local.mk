# SPDX-License-Identifier: Apache-2.0
nobase_noinst_HEADERS += include/dirhinge/store/store.h include/dirhinge/store/state.h include/dirhinge/store/held.h include/dirhinge/store/cause.h
