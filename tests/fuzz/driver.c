/* SPDX-License-Identifier: Apache-2.0
 * A main for fuzz targets without libFuzzer: gives every file of the arguments (files, or folders of files) to the
 * target. Without arguments, as under make check, the target's own corpus is replayed: fuzz_NAME reads
 * $srcdir/tests/fuzz/corpus/NAME. An empty corpus is a failure. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dirhinge/base/defs.h"
#include "fuzz.h"

#define PATH_SIZE 4096

static int
replay_file(const char *path, off_t size)
{
	/* An exact heap block, so that a sanitizer sees the first byte read too far. */
	unsigned char *data = malloc(size > 0 ? (size_t)size : 1);
	FILE *f = fopen(path, "rb");

	must(data != NULL);
	if (f == NULL || fread(data, 1, (size_t)size, f) != (size_t)size) {
		(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 1;
}

/* Number of inputs replayed. */
static int
replay(const char *path)
{
	struct stat st;
	int n = 0;

	if (stat(path, &st) < 0) {
		(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path, st.st_size);
	DIR *dir = opendir(path);

	if (dir == NULL) {
		(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	for (const struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
		char child[PATH_SIZE];

		if (d->d_name[0] == '.')
			continue;
		must(snprintf(child, sizeof(child), "%s/%s", path, d->d_name) < PATH_SIZE);
		n += replay(child);
	}
	(void)closedir(dir);
	return n;
}

int
main(int argc, char **argv)
{
	char own[PATH_SIZE];
	int n = 0;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			n += replay(argv[i]);
	} else {
		const char *name = strstr(argv[0], "fuzz_");
		const char *srcdir = getenv("srcdir");

		for (const char *next = name; next != NULL; next = strstr(next + 1, "fuzz_"))
			name = next;
		must(name != NULL);
		must(snprintf(own, sizeof(own), "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".",
			      name + strlen("fuzz_")) < PATH_SIZE);
		n = replay(own);
	}
	(void)printf("%s: %d inputs replayed\n", argv[0], n);
	return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
