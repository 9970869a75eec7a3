/* SPDX-License-Identifier: Apache-2.0
 * Limits before jansson, duplicate keys after it; everything iterative, so that input never decides about the stack. */
#include "dirhinge/base/json.h"

#include <stdlib.h>

#include "dirhinge/base/strmap.h"

#define DEFAULT_BYTES ((size_t)1024 * 1024)
#define KEY_SHOWN     64
#define NUMBER_SIZE   8 /* of an object, in front of its keys */

/* One pass over the text that knows strings and brackets, nothing else. */
struct scan {
	struct strv text;
	size_t pos;
};

/* Steps behind the string that starts at pos; false if it does not end. */
static bool
skip_string(struct scan *s)
{
	for (s->pos++; s->pos < s->text.n; s->pos++) {
		char c = s->text.p[s->pos];

		if (c == '"') {
			s->pos++;
			return true;
		}
		if (c == '\\')
			s->pos++;
	}
	return false;
}

static int
check_depth(struct strv text, size_t max, struct err *e)
{
	struct scan s = {.text = text};
	size_t depth = 0;

	while (s.pos < text.n) {
		char c = text.p[s.pos];

		if (c == '"') {
			if (!skip_string(&s))
				return 0; /* jansson says what is wrong and where */
			continue;
		}
		if (c == '[' || c == '{') {
			if (++depth > max)
				return err_at(e, s.pos, ERR_SYNTAX, "the JSON text is nested deeper than %zu levels",
					      max);
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
		s.pos++;
	}
	return 0;
}

static int
check_bytes(struct strv text, size_t max, struct err *e)
{
	size_t off;

	if (text.n > max)
		return err_set(e, ERR_TOO_LARGE, "the JSON text has %zu bytes, at most %zu are allowed", text.n, max);
	/* RFC 8259 8.1: senders must not add a byte order mark; we need not be lenient. */
	if (strv_starts(text, STRV("\xEF\xBB\xBF")))
		return err_at(e, 0, ERR_SYNTAX, "the JSON text must not begin with a byte order mark");
	off = strv_chr(text, '\0');
	if (off < text.n)
		return err_at(e, off, ERR_SYNTAX, "the JSON text holds a NUL byte");
	if (!utf8_valid(text, &off))
		return err_at(e, off, ERR_SYNTAX, "the JSON text is not valid UTF-8");
	return 0;
}

/* jansson's own text quotes the input, which may be a password: only its kind and place are used. */
static int
syntax_error(const json_error_t *je, size_t size, struct err *e)
{
	static const struct {
		enum json_error_code code;
		const char *text;
	} rows[] = {
		{json_error_premature_end_of_input, "the JSON text ends too early"},
		{json_error_end_of_input_expected, "there is something behind the end of the JSON text"},
		{json_error_invalid_utf8, "the JSON text is not valid UTF-8"},
		{json_error_null_character, "a string holds \\u0000, which is not allowed"},
		{json_error_null_byte_in_key, "a key holds \\u0000, which is not allowed"},
		{json_error_numeric_overflow, "a number is too large"},
	};
	size_t off = je->position > 0 ? (size_t)je->position : 0;
	const char *text = "the JSON text is not valid";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == json_error_code(je))
			text = rows[i].text;
	return err_at(e, off < size ? off : size, ERR_SYNTAX, "%s", text);
}

/* The key as it compares: escapes resolved, behind the number of its object. */
static struct strv
key_in_object(struct arena *a, uint32_t object, struct strv quoted)
{
	struct strv key = strv_n(quoted.p + 1, quoted.n - 2);
	json_t *decoded = NULL;

	if (strv_chr(key, '\\') < key.n) {
		decoded = json_loadb(quoted.p, quoted.n, JSON_DECODE_ANY, NULL);
		must(decoded != NULL); /* it was part of a valid text */
		key = strv_n(json_string_value(decoded), json_string_length(decoded));
	}
	char *p = arena_alloc(a, NUMBER_SIZE + key.n + 1);

	/* half bytes, because the map folds case: of a whole number 0x41 and 0x61 would be the same */
	for (int i = 0; i < NUMBER_SIZE; i++)
		p[i] = (char)(object >> (4 * i) & 0xF);
	memcpy(p + NUMBER_SIZE, key.p, key.n);
	json_decref(decoded);
	return strv_n(p, NUMBER_SIZE + key.n);
}

static int
duplicate(struct strv key, const char *former, size_t off, struct err *e)
{
	struct strv name = strv_n(key.p + NUMBER_SIZE, key.n - NUMBER_SIZE);
	int shown = name.n < KEY_SHOWN ? (int)name.n : KEY_SHOWN;

	while (shown > 0 && (size_t)shown < name.n && ((unsigned char)name.p[shown] & 0xC0) == 0x80)
		shown--;
	if (memcmp(key.p, former, key.n) == 0) /* they are equal but for case, so of one length */
		return err_at(e, off, ERR_SYNTAX, "the key \"%.*s\" is given twice", shown, name.p);
	return err_at(e, off, ERR_SYNTAX, "the key \"%.*s\" is given twice (names are case-insensitive)", shown,
		      name.p);
}

/* RFC 7643 2.1: attribute names are case-insensitive, so that "userName" and "username" are duplicates; RFC 8259 4
 * leaves the meaning of duplicates open, which is a way to smuggle values past a check. The text is valid JSON here. */
static int
check_keys(struct strv text, size_t max_depth, struct err *e)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct strmap *seen = strmap_new(a, true);
	uint32_t *open = ARENA_ARRAY(a, max_depth + 1, uint32_t); /* number of the object open at a depth, 0 = array */
	uint32_t objects = 0;
	size_t depth = 0;
	bool key_next = false;
	struct scan s = {.text = text};

	while (s.pos < text.n) {
		char c = text.p[s.pos];
		size_t begin = s.pos;

		if (c == '"') {
			must(skip_string(&s));
			if (!key_next)
				continue;
			key_next = false;
			struct strv key = key_in_object(a, open[depth], strv_n(text.p + begin, s.pos - begin));
			const char *former = strmap_put(seen, key, (void *)(uintptr_t)key.p);

			if (former != NULL)
				return duplicate(key, former, begin, e);
			continue;
		}
		if (c == '{' || c == '[') {
			must(depth < max_depth);
			open[++depth] = c == '{' ? ++objects : 0;
			key_next = c == '{';
		} else if (c == '}' || c == ']') {
			depth--;
			key_next = false;
		} else if (c == ',') {
			key_next = open[depth] != 0;
		}
		s.pos++;
	}
	return 0;
}

static void
decref(void *j)
{
	json_decref(j);
}

int
json_parse(struct arena *a, struct strv text, const struct json_limits *lim, json_t **root_r, struct err *e)
{
	size_t max_bytes = lim != NULL && lim->max_bytes > 0 ? lim->max_bytes : DEFAULT_BYTES;
	size_t max_depth = lim != NULL && lim->max_depth > 0 ? lim->max_depth : JSON_MAX_DEPTH;
	json_error_t je = {.position = 0};

	must(max_bytes < UINT32_MAX);
	if (check_bytes(text, max_bytes, e) < 0 || check_depth(text, max_depth, e) < 0)
		return -1;
	struct strv value = strv_trim(text);

	if (value.n == 0)
		return err_at(e, 0, ERR_SYNTAX, "the JSON text is empty");
	if (value.p[0] != '{' && value.p[0] != '[')
		return err_at(e, value.p - text.p, ERR_SYNTAX, "the JSON text must be an object or an array");
	json_t *root = json_loadb(text.p, text.n, 0, &je);

	if (root == NULL)
		return syntax_error(&je, text.n, e);
	if (check_keys(text, max_depth, e) < 0) {
		json_decref(root);
		return -1;
	}
	arena_defer(a, decref, root);
	*root_r = root;
	return 0;
}

json_t *
json_keep(struct arena *a, json_t *j)
{
	arena_defer(a, decref, j);
	return j;
}

/* --- text ----------------------------------------------------------------------------------------------------------
 * jansson prints through a callback, piece by piece, and checks the UTF-8 of every string again: a quarter of the time
 * of a page. What is in a tree has been checked when it got there. */

static void
print_string(struct buf *out, const char *p, size_t n)
{
	static const char shorts[] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	size_t from = 0;

	buf_addc(out, '"');
	for (size_t i = 0; (i += strv_plain(strv_n(p + i, n - i))) < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c >= 0x20 && c != '"' && c != '\\') /* not ASCII */
			continue;
		buf_add(out, p + from, i - from);
		from = i + 1;
		char second = c >= 0x20 ? (char)c : c < sizeof(shorts) ? shorts[c] : '\0';
		if (second) /* two in each entity tag */
			buf_add(out, (const char[]){'\\', second}, 2);
		else
			buf_printf(out, "\\u%04X", c);
	}
	buf_add(out, p + from, n - from);
	buf_addc(out, '"');
}

static void print_value(struct buf *out, const json_t *j);

static void
print_array(struct buf *out, const json_t *j)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < json_array_size(j); i++) {
		if (i > 0)
			buf_addc(out, ',');
		print_value(out, json_array_get(j, i));
	}
	buf_addc(out, ']');
}

static void
print_object(struct buf *out, const json_t *j)
{
	json_t *o = (json_t *)(uintptr_t)j; /* jansson's iteration takes a non-const object but changes nothing */
	const char *sep = "", *key;
	json_t *value;

	buf_addc(out, '{');
	json_object_foreach (o, key, value) {
		buf_adds(out, sep);
		print_string(out, key, strlen(key));
		buf_addc(out, ':');
		print_value(out, value);
		sep = ",";
	}
	buf_addc(out, '}');
}

static void
print_real(struct buf *out, const json_t *j)
{
	char *text = json_dumps(j, JSON_ENCODE_ANY);

	must(text != NULL);
	buf_adds(out, text);
	free(text);
}

/* As deep as the tree: what comes from outside was limited when it was parsed. */
static void
print_value(struct buf *out, const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		print_object(out, j);
		return;
	case JSON_ARRAY:
		print_array(out, j);
		return;
	case JSON_STRING:
		print_string(out, json_string_value(j), json_string_length(j));
		return;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
		return;
	case JSON_REAL:
		print_real(out, j);
		return;
	case JSON_TRUE:
		buf_adds(out, "true");
		return;
	case JSON_FALSE:
		buf_adds(out, "false");
		return;
	case JSON_NULL:
		buf_adds(out, "null");
		return;
	}
}

void
json_print(struct buf *out, const json_t *j)
{
	print_value(out, j);
}

void
json_print_text(struct buf *out, struct strv utf8)
{
	print_string(out, utf8.p, utf8.n);
}

char *
json_text(struct arena *a, const json_t *j)
{
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(SIZE_MAX);

	json_print(&out, j);
	return arena_strndup(a, buf_str(&out), out.n);
}

char *
json_text_canonical(struct arena *a, const json_t *j)
{
	char *text = json_dumps(j, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);

	must(text != NULL); /* only a cycle or bytes that json_parse refuses cannot be printed */
	char *copy = arena_strdup(a, text);

	free(text);
	return copy;
}

json_t *
json_get_ci(const json_t *obj, const char *key, const char **key_r)
{
	/* jansson's iteration takes a non-const object but changes nothing */
	json_t *o = (json_t *)(uintptr_t)obj;
	const char *name;
	json_t *value;

	json_object_foreach (o, name, value) {
		if (str_caseeq(name, key)) {
			if (key_r != NULL)
				*key_r = name;
			return value;
		}
	}
	return NULL;
}

const char *
json_kind(const json_t *j)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "object", [JSON_ARRAY] = "array",  [JSON_STRING] = "string", [JSON_INTEGER] = "number",
		[JSON_REAL] = "number",   [JSON_TRUE] = "boolean", [JSON_FALSE] = "boolean", [JSON_NULL] = "null",
	};

	return j == NULL ? "null" : names[json_typeof(j)];
}

bool
json_unassigned(const json_t *j)
{
	return j == NULL || json_is_null(j) || (json_is_array(j) && json_array_size(j) == 0);
}
