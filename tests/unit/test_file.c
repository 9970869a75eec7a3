/* SPDX-License-Identifier: Apache-2.0
 * Files and secret files, in a folder of their own. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dirhinge/base/file.h"
#include "dirhinge/base/secret.h"
#include "unit.h"

static char folder[sizeof("test_file.XXXXXX")];

static void
make_folder(void)
{
	memcpy(folder, "test_file.XXXXXX", sizeof(folder));
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

/* Number of files in the folder; they are removed. */
static size_t
sweep(void)
{
	DIR *dir = opendir(".");
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	for (const struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		(void)remove(d->d_name);
		n++;
	}
	(void)closedir(dir);
	return n;
}

static void
remove_folder(void)
{
	(void)sweep();
	ck_assert_int_eq(chdir(".."), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(written_and_read)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct err e = ERR_INIT;
	struct strv text = {NULL, 0};

	make_folder();
	mode_t before = umask(077); /* the mode is the one asked for, whatever the umask is */

	ck_assert_int_eq(file_write("f", STRV("one\0two"), 0644, &e), 0);
	ck_assert_uint_eq(mode_of("f"), 0644);
	ck_assert_int_eq(file_read(a, "f", 7, &text, &e), 0);
	ck_assert(strv_eq(text, STRV("one\0two")));
	ck_assert_int_eq(text.p[text.n], '\0');
	ck_assert_int_eq(file_write("./f", STRV(""), 0600, &e), 0);
	ck_assert_uint_eq(mode_of("f"), 0600);
	ck_assert_int_eq(file_read(a, "f", 0, &text, &e), 0);
	ck_assert_uint_eq(text.n, 0);
	ck_assert_ptr_nonnull(text.p);
	(void)umask(before);
	/* nothing but the file is left */
	ck_assert_uint_eq(sweep(), 1);
	remove_folder();
}
END_TEST

START_TEST(read_errors)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	struct err e = ERR_INIT;
	struct strv text = {NULL, 0};

	make_folder();
	ck_assert_int_eq(file_write("f", STRV("12345"), 0644, &e), 0);
	ck_assert_int_eq(file_read(a, "f", 4, &text, &e), -1);
	ck_assert_int_eq(e.code, ERR_IO);
	ck_assert_str_eq(e.detail, "f is larger than 4 bytes");
	ck_assert_int_eq(file_read(a, "absent", 4, &text, &e), -1);
	ck_assert_str_eq(e.detail, "cannot open absent: No such file or directory");
	ck_assert_int_eq(file_read(a, ".", 4, &text, &e), -1);
	ck_assert_str_eq(e.detail, "cannot read .: it is a directory");
	ck_assert_ptr_null(text.p);
	/* a file without a size */
	ck_assert_int_eq(file_read(a, "/proc/self/status", 100000, &text, &e), 0);
	ck_assert_uint_gt(text.n, 100);
	remove_folder();
}
END_TEST

START_TEST(write_errors)
{
	struct err e = ERR_INIT;

	make_folder();
	ck_assert_int_eq(file_write("absent/f", STRV("x"), 0644, &e), -1);
	ck_assert_int_eq(e.code, ERR_IO);
	ck_assert_str_eq(e.detail, "cannot create a file beside absent/f: No such file or directory");
	/* a folder cannot be replaced: the temporary file goes, the folder stays */
	ck_assert_int_eq(mkdir("d", 0755), 0);
	ck_assert_int_eq(file_write("d", STRV("x"), 0644, &e), -1);
	ck_assert(strncmp(e.detail, "cannot write d: ", 16) == 0);
	ck_assert_uint_eq(sweep(), 1);
	remove_folder();
}
END_TEST

START_TEST(secret_values)
{
	static const struct {
		struct strv file, secret;
	} rows[] = {
		{{"s3cret", 6}, {"s3cret", 6}},
		{{"s3cret\n", 7}, {"s3cret", 6}},
		{{"s3cret\r\n", 8}, {"s3cret", 6}},
		{{"s3cret\n\n", 8}, {"s3cret\n", 7}},
		{{" s ", 3}, {" s ", 3}},
		{{"a\0b\n", 4}, {"a\0b", 3}},
		{{"\r", 1}, {"\r", 1}},
	};
	struct err e = ERR_INIT;

	make_folder();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct secret *s = NULL;

		ck_assert_int_eq(file_write("s", rows[i].file, 0400, &e), 0);
		ck_assert_msg(secret_load("s", &s, &e) == 0, "%s", e.detail);
		ck_assert(strv_eq(secret_view(s), rows[i].secret));
		ck_assert_int_eq(secret_view(s).p[secret_view(s).n], '\0');
		secret_free(&s);
		ck_assert_ptr_null(s);
		secret_free(&s);
	}
	remove_folder();
}
END_TEST

START_TEST(secret_modes)
{
	struct err e = ERR_INIT;
	struct secret *s = NULL;

	make_folder();
	/* every right of group and others, alone */
	for (unsigned bit = 1; bit <= 040; bit <<= 1) {
		ck_assert_int_eq(file_write("s", STRV("hunter2"), 0600 | bit, &e), 0);
		ck_assert_int_eq(secret_load("s", &s, &e), -1);
		ck_assert_int_eq(e.code, ERR_CONFIG);
		ck_assert_ptr_nonnull(strstr(e.detail, "chmod 0600 s"));
		ck_assert_ptr_null(strstr(e.detail, "hunter2"));
	}
	ck_assert_ptr_null(s);
	ck_assert_int_eq(chmod("s", 0600), 0);
	ck_assert_int_eq(symlink("s", "link"), 0);
	ck_assert_int_eq(secret_load("link", &s, &e), -1);
	ck_assert_str_eq(e.detail, "the secret file link is a symbolic link; name the file itself");
	ck_assert_int_eq(secret_load("absent", &s, &e), -1);
	ck_assert_str_eq(e.detail, "cannot open the secret file absent: No such file or directory");
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(secret_load("fifo", &s, &e), -1);
	ck_assert_str_eq(e.detail, "the secret file fifo is not a regular file");
	ck_assert_int_eq(secret_load(".", &s, &e), -1);
	ck_assert_str_eq(e.detail, "the secret file . is not a regular file");
	ck_assert_int_eq(secret_load("s", &s, &e), 0);
	secret_free(&s);
	remove_folder();
}
END_TEST

START_TEST(secret_sizes)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(1024);
	char *big = arena_alloc(a, 65537);
	struct err e = ERR_INIT;
	struct secret *s = NULL;

	make_folder();
	memset(big, 'x', 65537);
	ck_assert_int_eq(file_write("s", strv_n(big, 65537), 0600, &e), 0);
	ck_assert_int_eq(secret_load("s", &s, &e), -1);
	ck_assert_str_eq(e.detail, "the secret file s is larger than 65536 bytes");
	ck_assert_int_eq(file_write("s", strv_n(big, 65536), 0600, &e), 0);
	ck_assert_int_eq(secret_load("s", &s, &e), 0);
	ck_assert_uint_eq(secret_view(s).n, 65536);
	secret_free(&s);
	for (size_t n = 0; n < 2; n++) {
		ck_assert_int_eq(file_write("s", strv_n("\n", n), 0600, &e), 0);
		ck_assert_int_eq(secret_load("s", &s, &e), -1);
		ck_assert_str_eq(e.detail, "the secret file s is empty");
	}
	remove_folder();
}
END_TEST

START_TEST(wiped)
{
	char text[] = "secret";
	struct secret *s = secret_new(STRV(""));

	secret_wipe(text, 3);
	ck_assert_mem_eq(text, "\0\0\0ret", 7);
	secret_wipe(NULL, 0);
	ck_assert_uint_eq(secret_view(s).n, 0);
	secret_free(&s);
}
END_TEST

int
main(void)
{
	const struct unit_test tests[] = {
		{"file", written_and_read, 0}, {"file", read_errors, 0},    {"file", write_errors, 0},
		{"secret", secret_values, 0},  {"secret", secret_modes, 0}, {"secret", secret_sizes, 0},
		{"secret", wiped, 0},
	};

	return unit_run("file", tests, ARRAY_SIZE(tests));
}
