/* SPDX-License-Identifier: Apache-2.0
 * The error object: filled, given context, rendered; and the table as functions. */
#include "dirhinge/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	const char *scim_type;
	const char *text;
	int http;
	int retry;
} table[] = {
#define ERR_ROW(code, http_, type, retry_, text_) \
	[code] = {.name = #code, .scim_type = (type), .text = (text_), .http = (http_), .retry = (retry_)},
	ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

void
must_failed(const char *cond, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: broken promise of the program: %s\n", file, line, cond);
	abort();
}

/* A text cut in the middle of a UTF-8 sequence would make the answer that carries it invalid. */
static void
cut_utf8(char *s)
{
	size_t n = strlen(s);
	size_t start = n;

	while (start > 0 && ((unsigned char)s[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0)
		return;
	unsigned char lead = (unsigned char)s[start - 1];
	size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;

	if (want > 1 && n - (start - 1) < want)
		s[start - 1] = '\0';
}

static void DH_PRINTF(3, 0) format(char *out, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(out, size, fmt, ap);

	if (n < 0)
		out[0] = '\0';
	else if ((size_t)n >= size)
		cut_utf8(out);
}

int
err_set_at(struct err *e, const char *where, enum err_code code, uint32_t offset, const char *fmt, ...)
{
	if (e == NULL)
		return -1;
	/* The arguments may point into *e itself, so that it is built beside it. */
	struct err fresh = {.code = code, .offset = offset};
	const char *slash = strrchr(where, '/');

	fresh.where = slash != NULL ? slash + 1 : where;
	if (fmt == NULL) {
		(void)snprintf(fresh.detail, sizeof(fresh.detail), "%s", err_text(code));
	} else {
		va_list ap;

		va_start(ap, fmt);
		format(fresh.detail, sizeof(fresh.detail), fmt, ap);
		va_end(ap);
	}
	*e = fresh;
	return -1;
}

int
err_cause_add(struct err *e, const char *fmt, ...)
{
	if (e == NULL)
		return -1;
	char text[sizeof(e->cause)];
	va_list ap;

	va_start(ap, fmt);
	format(text, sizeof(text), fmt, ap);
	va_end(ap);
	size_t n = strlen(text);

	if (e->cause[0] != '\0' && n + 2 < sizeof(text)) {
		int m = snprintf(text + n, sizeof(text) - n, ": %s", e->cause);

		if (m >= 0 && (size_t)m >= sizeof(text) - n)
			cut_utf8(text);
	}
	memcpy(e->cause, text, sizeof(text));
	return -1;
}

void
err_clear(struct err *e)
{
	if (e != NULL)
		*e = ERR_INIT;
}

int
err_http(enum err_code code)
{
	return table[code].http;
}

const char *
err_scim_type(enum err_code code)
{
	return table[code].scim_type;
}

int
err_retry_after(enum err_code code)
{
	return table[code].retry;
}

const char *
err_text(enum err_code code)
{
	return table[code].text;
}

const char *
err_name(enum err_code code)
{
	return table[code].name;
}

void
err_render(const struct err *e, char *out, size_t size)
{
	int n;

	if (size == 0)
		return;
	/* The text of ERR_CONFIG begins with file and line already (yaml_err). */
	if (e->offset != ERR_NO_OFFSET)
		n = snprintf(out, size, "%s at byte %u", e->detail, (unsigned)e->offset);
	else if (e->line != 0 && e->code != ERR_CONFIG)
		n = snprintf(out, size, "%s at line %u", e->detail, (unsigned)e->line);
	else
		n = snprintf(out, size, "%s", e->detail);
	if (n < 0)
		out[0] = '\0';
	else if ((size_t)n >= size)
		cut_utf8(out);
}
