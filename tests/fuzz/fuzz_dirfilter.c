/* SPDX-License-Identifier: Apache-2.0
 * A tree of typed nodes becomes a text that libldap encodes into the same tree with the same values: no value can
 * become structure. The tree is written down while it is built and again while libldap's BER is read; the two must be
 * equal. */
#include <ldap.h>

#include "dirhinge/base/buf.h"
#include "dirhinge/dir/filter.h"
#include "fuzz.h"

/* In libldap, used by ldap_search_ext(), declared in its private header only. */
int ldap_pvt_put_filter(BerElement *ber, const char *text);

enum { DEPTH_MAX = 12, KIDS_MAX = 4, NOTES_MAX = 1 << 20 };

struct input {
	const uint8_t *p;
	size_t n;
};

struct build {
	struct arena *a;
	struct input in;
	struct buf notes;
};

static unsigned
take(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

static struct strv
take_value(struct input *in)
{
	size_t n = take(in) % 16;
	struct strv v;

	if (n > in->n)
		n = in->n;
	v = strv_n(n ? (const char *)in->p : "", n);
	in->p += n;
	in->n -= n;
	return v;
}

static void
note(struct buf *b, const char *what, const char *attr, size_t attr_n, struct strv v)
{
	buf_printf(b, "%s %.*s ", what, (int)attr_n, attr);
	for (size_t i = 0; i < v.n; i++)
		buf_printf(b, "%02x", (unsigned char)v.p[i]);
	buf_addc(b, '\n');
}

static const struct dir_filter *
grow_sub(struct build *b)
{
	struct strv part[3];

	for (size_t i = 0; i < 3; i++)
		part[i] = take_value(&b->in);
	if (part[0].n + part[1].n + part[2].n == 0)
		part[1] = STRV("*");
	for (size_t i = 0; i < 3; i++)
		if (part[i].n)
			note(&b->notes, (const char *[]){"initial", "any", "final"}[i], "cn", 2, part[i]);
	return dir_f_sub(b->a, "cn", part[0], part[1], part[2]);
}

static const struct dir_filter *grow(struct build *b, int depth, char above);

static const struct dir_filter *
grow_list(struct build *b, int depth, char above, char kind)
{
	const struct dir_filter *kids[KIDS_MAX];
	size_t n = 2 + take(&b->in) % (KIDS_MAX - 1);

	/* A list inside one of its own kind is taken apart. */
	if (above != kind)
		buf_printf(&b->notes, "%c{\n", kind);
	for (size_t i = 0; i < n; i++)
		kids[i] = grow(b, depth + 1, kind);
	if (above != kind)
		buf_adds(&b->notes, "}\n");
	return kind == '&' ? dir_f_and(b->a, kids, n) : dir_f_or(b->a, kids, n);
}

static const struct dir_filter *
grow(struct build *b, int depth, char above)
{
	unsigned kind = take(&b->in) % 9;
	const struct dir_filter *f;
	struct strv v;

	if (depth >= DEPTH_MAX || b->in.n == 0)
		kind = 8;
	switch (kind) {
	case 0:
		return grow_list(b, depth, above, '&');
	case 1:
		return grow_list(b, depth, above, '|');
	case 2:
		buf_adds(&b->notes, "!{\n");
		f = dir_f_not(b->a, grow(b, depth + 1, '!'));
		buf_adds(&b->notes, "}\n");
		return f;
	case 3:
		return grow_sub(b);
	case 4:
		v = take_value(&b->in);
		note(&b->notes, "ge", "uid", 3, v);
		return dir_f_ge(b->a, "uid", v);
	case 5:
		v = take_value(&b->in);
		note(&b->notes, "le", "uid", 3, v);
		return dir_f_le(b->a, "uid", v);
	case 6:
		v = take_value(&b->in);
		note(&b->notes, "ext uid caseExactMatch", "", 0, v);
		return dir_f_ext(b->a, "uid", "caseExactMatch", v);
	case 7:
		note(&b->notes, "present", "mail", 4, STRV(""));
		return dir_f_present(b->a, "mail");
	default:
		v = take_value(&b->in);
		note(&b->notes, "eq", "uid", 3, v);
		return dir_f_eq(b->a, "uid", v);
	}
}

static struct strv
bv(const struct berval *v)
{
	return strv_n(v->bv_len ? v->bv_val : "", v->bv_len);
}

static void read_one(BerElement *ber, struct buf *out);

static void
read_list(BerElement *ber, const char *open, struct buf *out)
{
	ber_len_t len;
	char *end;

	buf_adds(out, open);
	for (ber_tag_t t = ber_first_element(ber, &len, &end); t != LBER_DEFAULT; t = ber_next_element(ber, &len, end))
		read_one(ber, out);
	buf_adds(out, "}\n");
}

static void
read_sub(BerElement *ber, struct buf *out)
{
	struct berval attr, v;
	ber_len_t len;
	char *end;

	must(ber_scanf(ber, "{m" /*}*/, &attr) != LBER_ERROR);
	for (ber_tag_t t = ber_first_element(ber, &len, &end); t != LBER_DEFAULT;
	     t = ber_next_element(ber, &len, end)) {
		must(ber_scanf(ber, "m", &v) != LBER_ERROR);
		note(out, (const char *[]){"initial", "any", "final"}[t & 3], attr.bv_val, attr.bv_len, bv(&v));
	}
}

static void
read_ext(BerElement *ber, struct buf *out)
{
	struct berval rule, attr, v;
	ber_tag_t tag = 0;

	must(ber_scanf(ber, "{tmtmtm" /*}*/, &tag, &rule, &tag, &attr, &tag, &v) != LBER_ERROR);
	buf_printf(out, "ext %.*s %.*s", (int)attr.bv_len, attr.bv_val, (int)rule.bv_len, rule.bv_val);
	note(out, "", "", 0, bv(&v));
}

static void
read_compare(BerElement *ber, const char *what, struct buf *out)
{
	struct berval attr, v;

	must(ber_scanf(ber, "{mm}", &attr, &v) != LBER_ERROR);
	note(out, what, attr.bv_val, attr.bv_len, bv(&v));
}

static void
read_one(BerElement *ber, struct buf *out)
{
	struct berval attr;
	ber_len_t len;

	switch (ber_peek_tag(ber, &len)) {
	case LDAP_FILTER_AND:
		read_list(ber, "&{\n", out);
		break;
	case LDAP_FILTER_OR:
		read_list(ber, "|{\n", out);
		break;
	case LDAP_FILTER_NOT:
		buf_adds(out, "!{\n");
		must(ber_skip_tag(ber, &len) != LBER_ERROR);
		read_one(ber, out);
		buf_adds(out, "}\n");
		break;
	case LDAP_FILTER_EQUALITY:
		read_compare(ber, "eq", out);
		break;
	case LDAP_FILTER_GE:
		read_compare(ber, "ge", out);
		break;
	case LDAP_FILTER_LE:
		read_compare(ber, "le", out);
		break;
	case LDAP_FILTER_SUBSTRINGS:
		read_sub(ber, out);
		break;
	case LDAP_FILTER_EXT:
		read_ext(ber, out);
		break;
	case LDAP_FILTER_PRESENT:
		must(ber_scanf(ber, "m", &attr) != LBER_ERROR);
		note(out, "present", attr.bv_val, attr.bv_len, STRV(""));
		break;
	default:
		must(false); /* a filter choice that nobody asked for */
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct build b = {.a = a, .in = {data, size}, .notes = BUF_INIT(NOTES_MAX)};
	DH_CLEANUP(buf_done) struct buf got = BUF_INIT(NOTES_MAX);
	const struct dir_filter *f = grow(&b, 0, ' ');
	struct berval encoded = {0, NULL};
	struct err e = ERR_INIT;
	char *text = NULL;

	if (dir_filter_text(a, f, &text, &e) == 0) {
		BerElement *ber = ber_alloc_t(LBER_USE_DER);
		BerElement *back;

		must(ldap_pvt_put_filter(ber, text) != -1);
		must(ber_flatten2(ber, &encoded, 0) == 0);
		back = ber_init(&encoded);
		read_one(back, &got);
		must(!got.full && strv_eq(buf_view(&got), buf_view(&b.notes)));
		ber_free(back, 1);
		ber_free(ber, 1);
	} else {
		must(e.code == ERR_FILTER && text == NULL); /* too long */
	}
	buf_done(&b.notes);
	return 0;
}
