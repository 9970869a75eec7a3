# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += tests/vectors/dir/dn.txt tests/vectors/dir/filter.txt
check_PROGRAMS += tests/vectors/vec_dir
TESTS += tests/vectors/vec_dir
tests_vectors_vec_dir_LDADD = libvectors.a $(LIBS_dir)
EXTRA_DIST += tests/vectors/dir/cookie.txt tests/vectors/dir/syncmsg.txt tests/vectors/dir/history.txt
check_PROGRAMS += tests/vectors/vec_feed
TESTS += tests/vectors/vec_feed
tests_vectors_vec_feed_LDADD = libvectors.a $(LIBS_dir)
EXTRA_DIST += tests/vectors/dir/dirsync.txt
check_PROGRAMS += tests/vectors/vec_dirsync
TESTS += tests/vectors/vec_dirsync
tests_vectors_vec_dirsync_LDADD = libvectors.a $(LIBS_dir)
