# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += .ci/run .clang-format .editorconfig LICENSE %D%/HACKING.md %D%/build-aux/embed.sh %D%/check %D%/decisions \
	%D%/dirhinge.example.yaml %D%/install-deps %D%/quickstart %D%/steps.bash %D%/systemd/dirhinge.service
