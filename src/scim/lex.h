/* SPDX-License-Identifier: Apache-2.0
 * Private tokens of filters and paths (RFC 7644 figure 1 and 7). The grammar decides what may come next, so the parser
 * asks for a word, a mark or a value instead of getting a stream of tokens. */
#ifndef DIRHINGE_SCIM_LEX_H
#define DIRHINGE_SCIM_LEX_H

#include "dirhinge/base/json.h"

struct scim_lex {
	struct arena *a;
	struct strv text;
	size_t pos;
	enum err_code code; /* of every error: ERR_FILTER or ERR_PATH */
};

struct scim_lex_word {
	struct strv text;
	uint32_t offset; /* in the whole input */
};

enum scim_lex_kind { SCIM_LEX_QUOTED, SCIM_LEX_LITERAL, SCIM_LEX_BARE };

struct scim_lex_value {
	enum scim_lex_kind kind;
	uint32_t offset;
	struct strv text; /* as written */
	json_t *value;    /* QUOTED: the string; LITERAL: true, false, null or a number; BARE: NULL. In the arena */
};

/* Checks size and UTF-8. */
int scim_lex_init(struct scim_lex *l, struct arena *a, struct strv text, size_t max, enum err_code code,
		  struct err *e) DH_MUST_USE;

/* Skips blanks (space, tab). */
void scim_lex_blanks(struct scim_lex *l);
bool scim_lex_end(const struct scim_lex *l);
/* The next byte without skipping blanks; '\0' at the end. */
char scim_lex_peek(const struct scim_lex *l);
/* Offset of the next byte in the whole input. */
uint32_t scim_lex_offset(const struct scim_lex *l);
/* Takes the byte c if it is next. */
bool scim_lex_take(struct scim_lex *l, char c);

/* The longest run of bytes that a name, a URN or an operator may hold; empty if there is none. */
struct scim_lex_word scim_lex_word(struct scim_lex *l);
/* Takes the next word if it is this one (any case). */
bool scim_lex_keyword(struct scim_lex *l, const char *word);

/* A JSON string, or a run up to a blank, ')' or ']'. */
int scim_lex_value(struct scim_lex *l, struct scim_lex_value *v_r, struct err *e) DH_MUST_USE;

#endif
