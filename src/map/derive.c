/* SPDX-License-Identifier: Apache-2.0
 * Attributes that the directory wants and SCIM does not have: made from other attributes of the same entry, or constant
 * ("derived" in a built-in map). They are never shown. What an administrator has changed by hand stays. */
#include "map/derive.h"
#include "dirhinge/base/buf.h"
#include "dirhinge/base/codec.h"
#include "map/country.h"
#include "map/plan.h"

#define DERIVED_MAX    32
#define NUMBER_MAX     1000000 /* behind a name that is taken: below it */
#define TRIES_A_RANGE  6
#define CANDIDATES_MAX 39 /* 9, and 6 for each number of digits from 2 on */

/* --- forms ------------------------------------------------------------------------------------------------------- */

static struct strv
form_text(struct arena *a DH_UNUSED, struct strv s)
{
	return strv_trim(s);
}

/* [MS-ADTS] 3.1.1.6, [MS-SAMR] 3.1.1.6: the characters that sAMAccountName must not have, and no dot at the end. Of a
 * name with a domain the part before it. */
static struct strv
form_account(struct arena *a, struct strv s)
{
	size_t at = strv_chr(s, '@');
	char *out;

	s = strv_trim(at > 0 ? strv_n(s.p, at) : s);
	out = arena_strndup(a, s.p, s.n);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)out[i] < ' ' || strchr("\"/\\[]:;|=,+*?<>@", out[i]))
			out[i] = '_';
	while (s.n && out[s.n - 1] == '.')
		s.n--;
	return strv_n(out, s.n);
}

static struct strv
form_country_name(struct arena *a DH_UNUSED, struct strv s)
{
	const struct map_country *c = map_country_find(s);

	return c ? strv_of(c->name) : (struct strv){0};
}

static struct strv
form_country_number(struct arena *a, struct strv s)
{
	const struct map_country *c = map_country_find(s);

	return strv_of(arena_printf(a, "%u", c ? c->number : 0));
}

struct map_form {
	const char *name;
	const char *gap; /* between a name that is taken and its number */
	struct strv (*make)(struct arena *a, struct strv source);
};

static const struct map_form forms[] = {
	{"text", " ", form_text},
	{"account", "", form_account},
	{"country-name", "", form_country_name},
	{"country-number", "", form_country_number},
};

/* --- loading ----------------------------------------------------------------------------------------------------- */

struct load {
	struct arena *a;
	const struct yaml *doc;
	unsigned line;
};

static const char *
text_key(const json_t *node, const char *key)
{
	const char *s = json_string_value(json_object_get(node, key));
	return s && *s ? s : NULL;
}

static const char *const *
names_of(const struct load *l, struct strv alternative)
{
	const char **names = ARENA_ARRAY(l->a, MAP_FROM_MAX + 1, const char *);
	size_t n = 0;

	while (alternative.n && n < MAP_FROM_MAX) {
		size_t blank = strv_chr(alternative, ' ');
		if (blank)
			names[n++] = arena_strndup(l->a, alternative.p, blank);
		blank += blank < alternative.n;
		alternative = strv_n(alternative.p + blank, alternative.n - blank);
	}
	return names;
}

static void
read_from(const struct load *l, const char *text, struct map_derived *d)
{
	struct strv rest = strv_of(text);

	for (size_t n = 0; rest.n && n < MAP_FROM_MAX; n++) {
		size_t bar = strv_chr(rest, '|');
		d->from[n] = names_of(l, strv_trim(strv_n(rest.p, bar)));
		bar += bar < rest.n;
		rest = strv_n(rest.p + bar, rest.n - bar);
	}
}

static int
read_words(const struct load *l, const json_t *node, struct map_derived *d, struct err *e)
{
	static const char *const unique[] = {"no", "container", "domain"};
	const char *form = text_key(node, "form"), *in = text_key(node, "unique"), *max = text_key(node, "max");
	bool known = !in;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (str_eq(form ? form : "text", forms[i].name))
			d->form = &forms[i];
	for (size_t i = 0; in && i < ARRAY_SIZE(unique); i++)
		if (str_eq(in, unique[i])) {
			d->unique = (enum map_unique_in)i;
			known = true;
		}
	for (const char *c = max; c && *c; c++) {
		if (*c < '0' || *c > '9' || d->max > 100000)
			return yaml_err(l->doc, l->line, e, "max is a number of characters");
		d->max = d->max * 10 + (size_t)(*c - '0');
	}
	if (!d->form)
		return yaml_err(l->doc, l->line, e, "form %s does not exist", form);
	return known ? 0 : yaml_err(l->doc, l->line, e, "unique is no, container or domain");
}

static int
read_one(const struct load *l, const json_t *node, struct map_derived *d, struct err *e)
{
	static const char *const keys[] = {"ldap", "from", "value", "form", "max", "unique", "once", "prefix", "empty"};
	const char *ldap = text_key(node, "ldap"), *from = text_key(node, "from"), *value = text_key(node, "value");

	if (yaml_check_keys(l->doc, node, keys, ARRAY_SIZE(keys), e) < 0)
		return -1;
	if (!ldap || !from == !value)
		return yaml_err(l->doc, l->line, e, "a derived attribute needs ldap, and from or value");
	*d = (struct map_derived){
		.row = {.path = ldap,
			.ldap = arena_strdup(l->a, ldap),
			.codec = &map_codecs[0],
			.one = true,
			.line = l->line},
		.value = value ? arena_strdup(l->a, value) : NULL,
		.empty = text_key(node, "empty") ? arena_strdup(l->a, text_key(node, "empty")) : NULL,
		.prefix = text_key(node, "prefix") ? arena_strdup(l->a, text_key(node, "prefix")) : NULL,
		.once = text_key(node, "once") && str_eq(text_key(node, "once"), "yes"),
	};
	d->row.path = d->row.ldap;
	if (from)
		read_from(l, from, d);
	return read_words(l, node, d, e);
}

int
map_derived_load(struct arena *a, const struct yaml *doc, const json_t *list, struct map_rows *rows, struct err *e)
{
	struct map_derived *v = ARENA_ARRAY(a, json_array_size(list) + 1, struct map_derived);

	if (json_array_size(list) > DERIVED_MAX)
		return yaml_err(doc, yaml_line(doc, list), e, "more than %d derived attributes", DERIVED_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *node = json_array_get(list, i);
		const struct load l = {.a = a, .doc = doc, .line = yaml_line(doc, node)};
		if (read_one(&l, node, &v[i], e) < 0)
			return -1;
	}
	rows->derived = v;
	rows->n_derived = json_array_size(list);
	return 0;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

/* At most max characters of UTF-8, no blank at the end. */
static struct strv
cut(struct strv s, size_t max)
{
	size_t chars = 0, n = 0;

	while (n < s.n) {
		if (((unsigned char)s.p[n] & 0xc0) != 0x80 && chars++ == max)
			break;
		n++;
	}
	while (n && s.p[n - 1] == ' ')
		n--;
	return strv_n(s.p, n);
}

/* The value of an attribute in the entry as it is, or as it is to be. */
static struct strv
value_of(const struct map_plan *p, const char *ldap, bool after)
{
	const struct map_vals *want = after ? map_state_of(&p->want, ldap) : NULL;

	if (want && want->n)
		return want->v[0];
	if (after && map_state_of(&p->have, ldap))
		return (struct strv){0};
	return p->current ? dir_entry_first(p->current, ldap) : (struct strv){0};
}

/* p NULL: none of the sources has a value. */
static struct strv
make(const struct map_plan *p, const struct map_derived *d, bool after)
{
	struct arena *a = p->r->a;

	if (d->value)
		return strv_of(d->value);
	for (size_t i = 0; d->from[i]; i++) {
		DH_CLEANUP(buf_done) struct buf b = BUF_INIT(1u << 16);
		for (const char *const *name = d->from[i]; *name; name++) {
			struct strv v = value_of(p, *name, after);
			if (v.n && b.n)
				buf_addc(&b, ' ');
			buf_addv(&b, v);
		}
		if (!b.n || b.full)
			continue;
		struct strv out = d->form->make(a, strv_n(arena_strndup(a, buf_str(&b), b.n), b.n));
		out = d->max ? cut(out, d->max) : out;
		if (out.n)
			return d->prefix ? strv_of(arena_printf(a, "%s%.*s", d->prefix, (int)out.n, out.p)) : out;
	}
	return d->empty ? strv_of(d->empty) : (struct strv){0};
}

static struct strv
numbered(const struct map_plan *p, const struct map_derived *d, struct strv text, unsigned n)
{
	const char *number = arena_printf(p->r->a, "%s%u", d->form->gap, n);
	struct strv head = d->max ? cut(text, d->max - strlen(number)) : text;

	return strv_of(arena_printf(p->r->a, "%.*s%s", (int)head.n, head.p, number));
}

/* The number at the end; 0 if there is none that numbered() would put there. */
static unsigned
number_of(struct strv value)
{
	unsigned n = 0, unit = 1;

	for (size_t at = value.n; at > 0 && value.p[at - 1] >= '0' && value.p[at - 1] <= '9'; unit *= 10) {
		n += unit * (unsigned)(value.p[--at] - '0');
		if (unit > NUMBER_MAX)
			return 0;
	}
	return n;
}

/* Is the value what would be made from the sources, perhaps with a number? The text may end with digits itself, so that
 * every length of the number is tried. */
static bool
is_made(const struct map_plan *p, const struct map_derived *d, struct strv text, struct strv value)
{
	unsigned last = 0;

	if (text.p && map_value_same(d->row.at, text, value))
		return true;
	for (size_t digits = 1; text.p && d->unique != UNIQUE_NO && digits <= value.n && digits <= 6; digits++) {
		unsigned n = number_of(strv_n(value.p + value.n - digits, digits));

		if (n > last && n > 1 && map_value_same(d->row.at, numbered(p, d, text, n), value))
			return true;
		last = n;
	}
	return false;
}

/* The number of try i: 1, 2, … 9, and then by chance from ranges that grow: where thousands have a name the search must
 * not go through all of them. */
static unsigned
candidate(const struct map_plan *p, unsigned i)
{
	unsigned from = 10;

	if (i < from)
		return i;
	for (unsigned k = i - from; k >= TRIES_A_RANGE && from < NUMBER_MAX / 10; k -= TRIES_A_RANGE)
		from *= 10;
	/* Knuth's multiplicative hash of the time and of which request it is */
	uint64_t chance = ((uint64_t)clock_mono_us() ^ (uint64_t)(uintptr_t)p) * UINT64_C(0x9e3779b97f4a7c15);
	return from + (unsigned)((chance >> 33) % (9 * from));
}

/* 1 nobody else has it, 0 taken, -1 error. */
static int
is_free(const struct map_plan *p, const struct map_derived *d, struct strv value, struct err *e)
{
	struct map_run *r = p->r;
	const struct dir_filter *f = dir_f_eq(r->a, d->row.ldap, value);
	const char *id = p->current ? map_id(r, p->current) : NULL;
	struct strv domain = dir_entry_first(r->caps->root_dse, "defaultNamingContext");
	const struct dir_entry *en;

	if (id)
		f = dir_f_and2(r->a, f, dir_f_not(r->a, dir_f_eq(r->a, r->caps->flavour->id_attr, strv_of(id))));
	struct dir_search s = {
		.base = p->current ? dir_dn_parent(r->a, p->current->dn)
			: r->home  ? r->home
				   : p->m->opts->base,
		.scope = DIR_ONE,
		.filter = f,
		.attrs = (const char *const[]){"1.1", NULL},
	};
	if (d->unique == UNIQUE_DOMAIN && domain.n) {
		s.base = arena_strndup(r->a, domain.p, domain.n);
		s.scope = DIR_SUB;
	}
	int rc = dir_search_one(r->dir, r->a, &s, r->until, &en, e);
	if (rc < 0 && e->code == ERR_CONFLICT) {
		err_clear(e);
		return 0;
	}
	return rc < 0 ? err_cause(e, "look whether %s is free", d->row.ldap) : rc == 0;
}

static int
choose(const struct map_plan *p, const struct map_derived *d, struct strv text, struct strv *value_r, struct err *e)
{
	struct strv value = text;

	for (unsigned i = 1; d->unique != UNIQUE_NO && p->r->dir; i++) {
		value = i == 1 ? text : numbered(p, d, text, candidate(p, i));
		int rc = is_free(p, d, value, e);
		if (rc < 0)
			return -1;
		if (rc == 1)
			break;
		if (i == CANDIDATES_MAX)
			return err_set(e, ERR_UNIQUE, "too many entries of the directory have this name");
	}
	*value_r = value;
	return 0;
}

/* --- planning ---------------------------------------------------------------------------------------------------- */

static struct strv
present(const struct map_plan *p, const struct map_derived *d)
{
	const struct dir_attr *at = dir_entry_attr(p->current, d->row.ldap);

	for (size_t i = 0; at && i < at->n; i++)
		if (!d->prefix || strv_starts(at->values[i], strv_of(d->prefix)))
			return at->values[i];
	return (struct strv){0};
}

/* False: what the entry has stays. */
static bool
follows(struct map_plan *p, const struct map_derived *d, struct strv text)
{
	struct strv old = make(p, d, false), now = present(p, d);
	bool same = old.p && text.p ? strv_eq(old, text) : !old.p && !text.p;

	if (d->prefix && !now.p)
		return false;
	if (d->once || d->value || same || (now.p && !is_made(p, d, old, now)))
		return false;
	if (!text.p && d->row.required)
		return false;
	if (now.p)
		map_state_add(&p->have, &d->row, now);
	return true;
}

static int
derive(struct map_plan *p, const struct map_derived *d, struct err *e)
{
	struct strv text = make(p, d, true), value;

	if (p->current ? !follows(p, d, text) : d->prefix != NULL)
		return 0;
	if (!text.p)
		return d->row.required
			       ? err_set(e, ERR_VALUE, "the directory needs a name for the entry (%s)", d->row.ldap)
			       : 0;
	if (choose(p, d, text, &value, e) < 0)
		return -1;
	map_state_add(&p->want, &d->row, value);
	return 0;
}

int
map_derive(struct map_plan *p, struct err *e)
{
	for (size_t i = 0; i < p->m->n_derived; i++)
		if (p->m->derived[i].row.at && derive(p, &p->m->derived[i], e) < 0)
			return -1;
	return 0;
}

bool
map_numbers_names(const struct map *m)
{
	for (size_t i = 0; i < m->n_derived; i++)
		if (m->derived[i].row.at && m->derived[i].unique != UNIQUE_NO)
			return true;
	return false;
}
