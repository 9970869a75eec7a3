# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/build-aux/embed.sh %D%/check %D%/dirhinge.example.yaml %D%/install-deps %D%/quickstart %D%/steps.bash \
	%D%/systemd/dirhinge.service .ci/run
