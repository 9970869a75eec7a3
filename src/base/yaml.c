/* SPDX-License-Identifier: Apache-2.0
 * libyaml's events into a tree of strings, with the line of every node; what a configuration does not need is refused.
 */
#include "dirhinge/base/yaml.h"

#include <stdio.h>
#include <yaml.h>

#include "base/yaml_keys.h"
#include "dirhinge/base/buf.h"
#include "dirhinge/base/strmap.h"

#define MAX_DEPTH 16
#define MAX_BYTES ((size_t)1024 * 1024)
#define KEY_SHOWN 60

struct yaml {
	const char *name;
	json_t *root;
	struct strmap *lines; /* address of a node, alone or with a key behind it -> line */
	struct arena *a;
};

/* A mapping or sequence that is still open. */
struct level {
	json_t *node;
	char *key; /* of the value that comes next; NULL: a key comes next */
	unsigned key_line;
};

struct load {
	struct yaml *doc;
	struct level stack[MAX_DEPTH];
	size_t depth;
	unsigned documents;
	struct err *e;
};

static void
set_line(struct yaml *doc, const json_t *node, const char *key, unsigned line)
{
	struct strv address = strv_n((const char *)&node, sizeof(node));
	size_t n = key != NULL ? strlen(key) : 0;
	char *p = arena_alloc(doc->a, sizeof(node) + n + 1);

	memcpy(p, address.p, address.n);
	if (n > 0)
		memcpy(p + sizeof(node), key, n);
	/* one byte more tells the key "" from the node itself */
	p[sizeof(node) + n] = ':';
	(void)strmap_put(doc->lines, strv_n(p, sizeof(node) + n + (key != NULL)), (void *)(uintptr_t)line);
}

static unsigned
get_line(const struct yaml *doc, const json_t *node, const char *key)
{
	DH_CLEANUP(buf_done) struct buf b = BUF_INIT(MAX_BYTES + sizeof(node) + 1);

	if (doc == NULL || node == NULL)
		return 0;
	buf_add(&b, &node, sizeof(node));
	if (key != NULL) {
		buf_adds(&b, key);
		buf_addc(&b, ':');
	}
	return (unsigned)(uintptr_t)strmap_get(doc->lines, buf_view(&b));
}

unsigned
yaml_line(const struct yaml *doc, const json_t *node)
{
	return get_line(doc, node, NULL);
}

unsigned
yaml_key_line(const struct yaml *doc, const json_t *object, const char *key)
{
	return get_line(doc, object, key);
}

json_t *
yaml_root(const struct yaml *doc)
{
	return doc->root;
}

const char *
yaml_name(const struct yaml *doc)
{
	return doc->name;
}

int
yaml_err(const struct yaml *doc, unsigned line, struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->detail)];
	va_list ap;

	if (e == NULL)
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (doc == NULL)
		(void)err_set(e, ERR_CONFIG, "%s", text);
	else if (line == 0)
		(void)err_set(e, ERR_CONFIG, "%s: %s", doc->name, text);
	else
		(void)err_set(e, ERR_CONFIG, "%s:%u: %s", doc->name, line, text);
	e->line = line;
	return -1;
}

/* The line of a byte of the text. */
static unsigned
line_at(struct strv text, size_t off)
{
	unsigned line = 1;

	for (size_t i = 0; i < off && i < text.n; i++)
		line += text.p[i] == '\n';
	return line;
}

static unsigned
event_line(const yaml_event_t *ev)
{
	return (unsigned)ev->start_mark.line + 1;
}

static void
decref(void *j)
{
	json_decref(j);
}

/* Hangs a new node below the innermost open one; takes the reference. */
static void
attach(struct load *l, json_t *node, unsigned line)
{
	struct level *top = l->depth > 0 ? &l->stack[l->depth - 1] : NULL;

	must(node != NULL);
	set_line(l->doc, node, NULL, line);
	if (top == NULL) {
		arena_defer(l->doc->a, decref, node);
		l->doc->root = node;
	} else if (json_is_array(top->node)) {
		must(json_array_append_new(top->node, node) == 0);
	} else {
		must(json_object_set_new_nocheck(top->node, top->key, node) == 0);
		set_line(l->doc, top->node, top->key, top->key_line);
		top->key = NULL;
	}
}

static bool
key_expected(const struct load *l)
{
	return l->depth > 0 && json_is_object(l->stack[l->depth - 1].node) && l->stack[l->depth - 1].key == NULL;
}

static int
on_key(struct load *l, struct strv key, unsigned line)
{
	struct level *top = &l->stack[l->depth - 1];
	char *name = arena_strndup(l->doc->a, key.p, key.n);

	if (json_object_get(top->node, name) != NULL)
		return yaml_err(l->doc, line, l->e, "the key '%.*s' is given twice, first in line %u", KEY_SHOWN, name,
				yaml_key_line(l->doc, top->node, name));
	top->key = name;
	top->key_line = line;
	return 0;
}

/* What an escape in quotes can make and no text can hold (YAML 1.2.2 5.1), and separators that read as line breaks. */
static bool
is_printable(struct strv s)
{
	static const struct {
		struct strv lead;
		unsigned char lo, hi; /* of the byte behind the lead */
	} rows[] = {
		{{"", 0}, 0x00, 0x08},         {{"", 0}, 0x0B, 0x0C},         {{"", 0}, 0x0E, 0x1F},
		{{"", 0}, 0x7F, 0x7F},         {{"\xC2", 1}, 0x80, 0x9F},     {{"\xE2\x80", 2}, 0xA8, 0xA9},
		{{"\xEF\xBB", 2}, 0xBF, 0xBF}, {{"\xEF\xBF", 2}, 0xBE, 0xBF},
	};

	for (size_t i = 0; i < s.n; i++) {
		for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
			size_t at = i + rows[r].lead.n;

			if (at >= s.n || !strv_starts(strv_n(s.p + i, s.n - i), rows[r].lead))
				continue;
			if ((unsigned char)s.p[at] >= rows[r].lo && (unsigned char)s.p[at] <= rows[r].hi)
				return false;
		}
	}
	return true;
}

static int
on_scalar(struct load *l, const yaml_event_t *ev)
{
	struct strv value = strv_n((const char *)ev->data.scalar.value, ev->data.scalar.length);
	unsigned line = event_line(ev);

	if (ev->data.scalar.anchor != NULL)
		return yaml_err(l->doc, line, l->e, "anchors (&name) are not supported");
	if (ev->data.scalar.tag != NULL)
		return yaml_err(l->doc, line, l->e, "tags (!name) are not supported");
	if (!is_printable(value))
		return yaml_err(l->doc, line, l->e, "control characters are not allowed");
	if (l->depth == 0) {
		/* "---" alone, or a file of comments, is an empty configuration */
		if (value.n == 0 && ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
			return 0;
		return yaml_err(l->doc, line, l->e, "expected a mapping (key: value)");
	}
	if (key_expected(l))
		return on_key(l, value, line);
	attach(l, json_stringn_nocheck(value.p, value.n), line);
	return 0;
}

static int
on_open(struct load *l, const yaml_event_t *ev, bool mapping)
{
	const void *anchor = mapping ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor;
	const void *tag = mapping ? ev->data.mapping_start.tag : ev->data.sequence_start.tag;
	unsigned line = event_line(ev);

	if (anchor != NULL)
		return yaml_err(l->doc, line, l->e, "anchors (&name) are not supported");
	if (tag != NULL)
		return yaml_err(l->doc, line, l->e, "tags (!name) are not supported");
	if (key_expected(l))
		return yaml_err(l->doc, line, l->e, "a key must be a plain word, not a mapping or sequence");
	if (l->depth == 0 && !mapping)
		return yaml_err(l->doc, line, l->e, "expected a mapping (key: value), not a sequence");
	if (l->depth == MAX_DEPTH)
		return yaml_err(l->doc, line, l->e, "nested deeper than %d levels", MAX_DEPTH);
	json_t *node = mapping ? json_object() : json_array();

	attach(l, node, line);
	l->stack[l->depth++] = (struct level){.node = node};
	return 0;
}

static int
on_document(struct load *l, const yaml_event_t *ev)
{
	if (++l->documents > 1)
		return yaml_err(l->doc, event_line(ev), l->e, "only one document per file is supported");
	if (ev->data.document_start.tag_directives.start != ev->data.document_start.tag_directives.end)
		return yaml_err(l->doc, event_line(ev), l->e, "%%TAG directives are not supported");
	return 0;
}

static int
on_event(struct load *l, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(l, ev);
	case YAML_ALIAS_EVENT:
		return yaml_err(l->doc, event_line(ev), l->e, "aliases (*name) are not supported");
	case YAML_SCALAR_EVENT:
		return on_scalar(l, ev);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(l, ev, false);
	case YAML_MAPPING_START_EVENT:
		return on_open(l, ev, true);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		l->depth--;
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	}
	return 0;
}

static int
syntax_error(struct load *l, const yaml_parser_t *p, struct strv text)
{
	const char *problem = p->problem != NULL ? p->problem : "not valid YAML";

	if (p->error == YAML_READER_ERROR)
		return yaml_err(l->doc, line_at(text, p->problem_offset), l->e, "%s", problem);
	return yaml_err(l->doc, (unsigned)p->problem_mark.line + 1, l->e, "%s%s%s",
			p->context != NULL ? p->context : "", p->context != NULL ? ": " : "", problem);
}

static int
read_events(struct load *l, struct strv text)
{
	DH_CLEANUP(yaml_parser_delete) yaml_parser_t parser;
	bool more = true;

	must(yaml_parser_initialize(&parser) == 1);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
	while (more) {
		DH_CLEANUP(yaml_event_delete) yaml_event_t ev = {.type = YAML_NO_EVENT};

		if (yaml_parser_parse(&parser, &ev) == 0)
			return syntax_error(l, &parser, text);
		if (on_event(l, &ev) < 0)
			return -1;
		more = ev.type != YAML_STREAM_END_EVENT;
	}
	return 0;
}

int
yaml_parse(struct arena *a, const char *name, struct strv text, struct yaml **doc_r, struct err *e)
{
	struct yaml *doc = ARENA_NEW(a, struct yaml);
	struct load l = {.doc = doc, .e = e};
	size_t off;

	*doc = (struct yaml){.name = arena_strdup(a, name), .lines = strmap_new(a, false), .a = a};
	if (text.n > MAX_BYTES)
		return yaml_err(doc, 0, e, "the file has %zu bytes, at most %zu are allowed", text.n, MAX_BYTES);
	if (!utf8_valid(text, &off))
		return yaml_err(doc, line_at(text, off), e, "the text is not valid UTF-8");
	if (strv_starts(text, STRV("\xEF\xBB\xBF")))
		text = strv_n(text.p + 3, text.n - 3);
	if (text.n > 0 && read_events(&l, text) < 0)
		return -1;
	if (doc->root == NULL)
		attach(&l, json_object(), 1);
	*doc_r = doc;
	return 0;
}

/* "known are: a, b, c" for a mapping without anything near. */
static void
list_names(struct buf *out, const char *const *names, size_t n)
{
	buf_adds(out, "; known are ");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", names[i]);
}

int
yaml_check_keys_in(const struct yaml *doc, const json_t *object, const char *where, const char *const *names, size_t n,
		   struct err *e)
{
	/* the iteration takes a non-const object but changes nothing */
	json_t *o = (json_t *)(uintptr_t)object;
	const char *key;
	json_t *value;

	json_object_foreach (o, key, value) {
		bool known = false;

		for (size_t i = 0; i < n && !known; i++)
			known = str_eq(key, names[i]);
		if (known)
			continue;
		DH_CLEANUP(buf_done) struct buf hint = BUF_INIT(4096);
		const char *near = str_nearest(key, names, n);

		if (near != NULL)
			buf_printf(&hint, "; did you mean '%s'?", near);
		else if (n > 0)
			list_names(&hint, names, n);
		return yaml_err(doc, yaml_key_line(doc, object, key), e, "unknown key '%.*s'%s%s%s", KEY_SHOWN, key,
				*where != '\0' ? " in " : "", where, buf_str(&hint));
	}
	return 0;
}

int
yaml_check_keys(const struct yaml *doc, const json_t *object, const char *const *names, size_t n, struct err *e)
{
	return yaml_check_keys_in(doc, object, "", names, n, e);
}
