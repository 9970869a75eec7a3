/* SPDX-License-Identifier: Apache-2.0
 * One line per event on stderr: JSON when it is not a terminal, readable text when it is. The only process-wide
 * state of the program. Control and bidirectional characters are escaped, a line is at most 8 kB, and a value whose
 * key names a secret (password, token, authorization, userPassword…) is printed as "***".
 * Only edges log (http, app, sync, sink): a library function returns a struct err. Thread rule: any thread. */
#ifndef DIRHINGE_BASE_LOG_H
#define DIRHINGE_BASE_LOG_H

#include "dirhinge/base/defs.h"
#include "dirhinge/base/err.h"

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };
enum log_form { LOG_AUTO, LOG_JSON, LOG_TEXT };

void log_setup(enum log_level min, enum log_form form);
bool log_enabled(enum log_level level);

/* Fields: a list of key, value pairs ended by LOG_END. A NULL value leaves its field out.
 *   log_event(LOG_INFO_, "request", LOG_S("method", m), LOG_I("status", 200), LOG_END); */
struct log_field {
	const char *key; /* NULL ends the list */
	const char *s;   /* string value, or NULL: number */
	int64_t i;
	bool is_int;
};
#define LOG_S(k, v) ((struct log_field){.key = (k), .s = (v)})
#define LOG_I(k, v) ((struct log_field){.key = (k), .i = (int64_t)(v), .is_int = true})
#define LOG_END     ((struct log_field){.key = NULL})

void log_fields(enum log_level level, const char *msg, const struct log_field *fields);
#define log_event(level, msg, ...) log_fields((level), (msg), (const struct log_field[]){__VA_ARGS__})

/* One failure, one line: msg, code, http status, detail, cause, where, ldap_rc. */
void log_err(enum log_level level, const char *msg, const struct err *e);

/* Renders a line into out as log_fields would print it (for tests); returns its length. */
size_t log_render(char *out, size_t size, enum log_form form, enum log_level level, const char *msg,
		  const struct log_field *fields);

#endif
