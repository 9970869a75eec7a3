# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += .ci/run .clang-format .clang-tidy .editorconfig %D%/HACKING.md %D%/active-directory.md %D%/directories.md %D%/build-aux/embed.sh %D%/check %D%/decisions \
	%D%/install-deps %D%/quickstart %D%/steps.bash %D%/systemd/dirhinge.service

dist_doc_DATA = README.md LICENSE %D%/dirhinge.example.yaml

# systemd looks for units below /usr/local too.
if SYSTEMD_UNIT
nodist_systemdsystemunit_DATA = contrib/dirhinge.service
CLEANFILES += contrib/dirhinge.service
contrib/dirhinge.service: contrib/systemd/dirhinge.service
	$(AM_V_GEN)$(MKDIR_P) contrib && \
		sed -e 's|/usr/local/bin/|$(bindir)/|' -e 's|/usr/local/share/doc/dirhinge/|$(docdir)/|' \
			$(srcdir)/contrib/systemd/dirhinge.service >$@.tmp && mv $@.tmp $@
endif
