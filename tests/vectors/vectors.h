/* SPDX-License-Identifier: Apache-2.0
 * Text vectors: files of "input => expected" lines that a small runner plays through one function.
 *
 *   # a comment (only at the start of a line), empty lines are skipped
 *   @key value            given to the runner's directive function (or @escape, below)
 *   input => expected     the first " =>" that is followed by a blank or the end of the line separates the two
 *   	…                 a line that begins with a tab continues the one above (joined by a newline, tab cut), so
 *   	=> expected       the arrow may stand at the start of such a line as well
 *
 * Everything between is taken as it stands: blanks in front of the input count. "@escape on" (until "@escape off" or
 * the end of the file) decodes %XX in inputs, for bytes that a text file should not hold. A file without cases, a line
 * without arrow and an unknown directive are failures: a vector can never pass unread. */
#ifndef DIRHINGE_TESTS_VECTORS_H
#define DIRHINGE_TESTS_VECTORS_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/buf.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

struct vec_case {
	struct arena *a; /* dies after the case */
	const char *file;
	unsigned line;
	struct strv input; /* NUL-terminated as well */
	struct strv expect;
};

struct vec_runner {
	/* Writes what the function under test made of the input; equal to .expect = passed. */
	void (*run)(void *ctx, const struct vec_case *c, struct buf *out);
	/* False if key or value is not known. a lives as long as the file is played. May be NULL. */
	bool (*directive)(void *ctx, struct arena *a, const char *key, struct strv value);
	void *ctx;
	unsigned cases, failed;
};

/* Plays one file, named from the top of the source tree ("tests/vectors/scim/path.txt"), found through $srcdir. Every
 * mismatch is printed with file, line, expected and actual text. */
void vec_play(struct vec_runner *r, const char *file);

/* Prints the summary; 0 if all cases of all files passed, else 1: the exit status. */
int vec_summary(const struct vec_runner *r, const char *name);

/* Plays files (NULL-terminated) whose directive "@do VERB" says what is done with the cases behind it; then the
 * summary. */
struct vec_verb {
	const char *name;
	void (*play)(const struct vec_case *c, struct buf *out);
};
int vec_play_verbs(const char *name, const struct vec_verb *verbs, size_t n, const char *const *files);

/* "! ERR_FILTER 14", or "! ERR_FILTER" without offset: how an error is expected. */
void vec_err(struct buf *out, const struct err *e);

/* "$srcdir/file" in the arena. */
const char *vec_path(struct arena *a, const char *file);

#endif
