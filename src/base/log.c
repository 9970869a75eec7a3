/* SPDX-License-Identifier: Apache-2.0
 * One event, one line, one write(2): rendered into a fixed buffer, cut so that it stays valid. */
#include "dirhinge/base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "dirhinge/base/clock.h"
#include "dirhinge/base/codec.h"
#include "dirhinge/base/strv.h"

#define LINE_MAX_   8192
#define ERR_FIELDS  8
#define TAIL_MARGIN 24 /* what the mark of a cut and the closing of a line need */

/* The one process-wide state of the program; see log_setup(). */
static atomic_int min_level = LOG_INFO_;
static atomic_int line_form = LOG_AUTO;

static const char *const level_names[] = {
	[LOG_DEBUG_] = "debug",
	[LOG_INFO_] = "info",
	[LOG_WARN_] = "warn",
	[LOG_ERROR_] = "error",
};

static enum log_form
effective(enum log_form form)
{
	if (form != LOG_AUTO)
		return form;
	return isatty(STDERR_FILENO) ? LOG_TEXT : LOG_JSON;
}

void
log_setup(enum log_level min, enum log_form form)
{
	atomic_store_explicit(&min_level, (int)min, memory_order_relaxed);
	/* asked once, not for each line */
	atomic_store_explicit(&line_form, (int)effective(form), memory_order_relaxed);
}

bool
log_enabled(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&min_level, memory_order_relaxed);
}

/* The line under construction. Pieces are added whole or not at all. */
struct line {
	char *p;
	size_t n;
	size_t size; /* usable: room for the end of the line is kept apart */
	bool cut;
};

static bool
put(struct line *l, const char *s, size_t n)
{
	if (l->cut || n > l->size - l->n) {
		l->cut = true;
		return false;
	}
	memcpy(l->p + l->n, s, n);
	l->n += n;
	return true;
}

static bool
puts_(struct line *l, const char *s)
{
	return put(l, s, strlen(s));
}

/* One character of text: its length in bytes (1 for a byte that is not UTF-8) and the code point or U+FFFD. */
static size_t
next_char(const char *s, size_t n, uint32_t *c_r)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len = u[0] < 0x80 ? 1 : u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;

	if (len == 1) {
		*c_r = u[0];
		return 1;
	}
	if (len > n || !utf8_valid(strv_n(s, len), NULL)) {
		*c_r = 0xFFFD;
		return 1;
	}
	uint32_t c = u[0] & (0x7FU >> len);

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (u[i] & 0x3FU);
	*c_r = c;
	return len;
}

/* Characters that would let a value forge a line or change what a reader sees: controls, line separators,
 * bidirectional marks, embeddings and isolates, zero-width characters, the byte order mark. */
static bool
is_dangerous(uint32_t c)
{
	static const struct {
		uint32_t lo, hi;
	} ranges[] = {
		{0x00, 0x1F},     {0x7F, 0x9F},     {0x61C, 0x61C},   {0x200B, 0x200F},
		{0x2028, 0x202E}, {0x2060, 0x2069}, {0xFEFF, 0xFEFF}, {0xFFFD, 0xFFFD},
	};

	if (c >= ' ' && c < 0x7F)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (c >= ranges[i].lo && c <= ranges[i].hi)
			return true;
	return false;
}

/* As much of plain text as there is room for; false if that is not all. */
static bool
put_most(struct line *l, const char *s, size_t n)
{
	size_t room = l->cut ? 0 : l->size - l->n;

	return put(l, s, n < room ? n : room) && (n <= room || put(l, s, n));
}

/* The inside of a quoted string; the same escapes serve both forms. */
static bool
put_escaped(struct line *l, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t plain = strv_plain(strv_n(s + i, n - i));

		if (plain > 0) {
			if (!put_most(l, s + i, plain))
				return false;
			i += plain;
			continue;
		}
		uint32_t c;
		size_t len = next_char(s + i, n - i, &c);
		bool ok;

		if (c == '"' || c == '\\') {
			char pair[2] = {'\\', (char)c};

			ok = put(l, pair, sizeof(pair));
		} else if (is_dangerous(c)) {
			char code[8];

			(void)snprintf(code, sizeof(code), "\\u%04x", (unsigned)c);
			ok = put(l, code, 6);
		} else {
			ok = put(l, s + i, len);
		}
		if (!ok)
			return false;
		i += len;
	}
	return true;
}

/* A quote, the text, a quote; a text that does not fit ends in "…" and closes the line for more. */
static void
put_quoted(struct line *l, const char *s)
{
	if (!put(l, "\"", 1))
		return;
	if (put_escaped(l, s, strlen(s)) && put(l, "\"", 1))
		return;
	static const char mark[] = "\xE2\x80\xA6\"";

	memcpy(l->p + l->n, mark, sizeof(mark) - 1); /* TAIL_MARGIN */
	l->n += sizeof(mark) - 1;
}

/* Denied by name, generously; a key that names a file of a secret may be shown. */
static bool
names_secret(struct strv key)
{
	static const struct strv words[] = {
		{"password", 8},    {"passwd", 6},       {"passphrase", 10}, {"pwd", 3},    {"secret", 6},
		{"token", 5},       {"authoriz", 8},     {"authoris", 8},    {"cookie", 6}, {"bearer", 6},
		{"credential", 10}, {"private_key", 11}, {"privatekey", 10},
	};

	if (key.n > 5 && strv_caseeq(strv_n(key.p + key.n - 5, 5), STRV("_file")))
		return false;
	for (size_t i = 0; i < key.n; i++) {
		struct strv rest = {key.p + i, key.n - i};

		if (memchr("pstacb", rest.p[0] | 0x20, 6) == NULL) /* how the words begin */
			continue;
		for (size_t w = 0; w < ARRAY_SIZE(words); w++)
			if ((rest.p[0] | 0x20) == words[w].p[0] && strv_casestarts(rest, words[w]))
				return true;
	}
	return false;
}

/* True for a text that needs no quotes in the readable form. */
static bool
is_plain(const char *s)
{
	if (s[0] == '\0')
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7F || *s == '"' || *s == '\\' || *s == '=')
			return false;
	return true;
}

/* In decimal; returns where it begins. */
static const char *
number_text(int64_t n, char out[24])
{
	char *p = out + 23;
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	*p = '\0';
	do {
		*--p = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (n < 0)
		*--p = '-';
	return p;
}

static void
put_field(struct line *l, enum log_form form, const struct log_field *f)
{
	struct line before = *l;
	char number[24];
	const char *value = f->s;
	struct strv key = strv_of(f->key);
	bool secret = names_secret(key), bare = f->is_int && !secret;

	if (secret)
		value = "***";
	else if (f->is_int)
		value = number_text(f->i, number);
	if (form == LOG_JSON) {
		(void)(puts_(l, ",\"") && put_escaped(l, key.p, key.n) && puts_(l, "\":"));
	} else {
		(void)(puts_(l, " ") && put_escaped(l, key.p, key.n) && puts_(l, "="));
		bare = bare || is_plain(value);
	}
	if (l->cut || l->size - l->n < 2) { /* no room for a value: the field is left out whole */
		*l = before;
		l->cut = true;
		return;
	}
	if (!bare)
		put_quoted(l, value);
	else if (!puts_(l, value)) {
		*l = before;
		l->cut = true;
	}
}

size_t
log_render(char *out, size_t size, enum log_form form, enum log_level level, const char *msg,
	   const struct log_field *fields)
{
	char stamp[32];
	struct line l = {.p = out};

	must(size > 256);
	l.size = (size < LINE_MAX_ ? size : LINE_MAX_) - TAIL_MARGIN;
	form = effective(form);
	time_to_rfc3339(clock_wall_us(), stamp);
	if (form == LOG_JSON) {
		(void)(puts_(&l, "{\"time\":\"") && puts_(&l, stamp) && puts_(&l, "\",\"level\":\"") &&
		       puts_(&l, level_names[level]) && puts_(&l, "\",\"msg\":"));
		put_quoted(&l, msg);
	} else {
		(void)(puts_(&l, stamp) && puts_(&l, " ") && puts_(&l, level_names[level]) && puts_(&l, ": ") &&
		       put_escaped(&l, msg, strlen(msg)));
	}
	for (const struct log_field *f = fields; f != NULL && f->key != NULL && !l.cut; f++)
		if (f->is_int || f->s != NULL)
			put_field(&l, form, f);
	if (form == LOG_JSON)
		out[l.n++] = '}'; /* TAIL_MARGIN */
	out[l.n++] = '\n';
	out[l.n] = '\0';
	return l.n;
}

void
log_fields(enum log_level level, const char *msg, const struct log_field *fields)
{
	char line[LINE_MAX_];
	int saved = errno;

	if (!log_enabled(level))
		return;
	enum log_form form = (enum log_form)atomic_load_explicit(&line_form, memory_order_relaxed);
	size_t n = log_render(line, sizeof(line), form, level, msg, fields);

	/* One write, so that lines of different threads do not mix. What cannot be written is lost: a full log disk
	 * must not stop the service. */
	for (size_t done = 0; done < n;) {
		ssize_t w = write(STDERR_FILENO, line + done, n - done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			break;
		done += (size_t)w;
	}
	errno = saved;
}

void
log_err(enum log_level level, const char *msg, const struct err *e)
{
	struct log_field f[ERR_FIELDS];
	char detail[sizeof(e->detail) + 32];
	size_t n = 0;

	err_render(e, detail, sizeof(detail));
	f[n++] = LOG_S("code", err_name(e->code));
	f[n++] = LOG_I("status", err_http(e->code));
	f[n++] = LOG_S("detail", detail);
	if (e->cause[0] != '\0')
		f[n++] = LOG_S("cause", e->cause);
	if (e->ldap_rc != 0)
		f[n++] = LOG_I("ldap_rc", e->ldap_rc);
	f[n++] = LOG_S("where", e->where);
	f[n++] = LOG_END;
	must(n <= ERR_FIELDS);
	log_fields(level, msg, f);
}
