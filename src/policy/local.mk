noinst_LIBRARIES += libdirhinge-policy.a
libdirhinge_policy_a_SOURCES = %D%/policy.c
nobase_noinst_HEADERS += include/dirhinge/policy/policy.h
