# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += tests/vectors/dir/dn.txt tests/vectors/dir/filter.txt
check_PROGRAMS += tests/vectors/vec_dir
TESTS += tests/vectors/vec_dir
tests_vectors_vec_dir_LDADD = libvectors.a $(LIBS_dir)
