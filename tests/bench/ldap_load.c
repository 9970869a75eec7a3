/* SPDX-License-Identifier: Apache-2.0
 * The same work with bare libldap: N connections, a thread each, one operation outstanding. Also dumps everything, by
 * paged results or by a refresh (RFC 4533). What the gateway is compared with. */
#include <getopt.h>
#include <ldap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "bench.h"
#include "dirhinge/base/clock.h"
#include "dirhinge/base/thread.h"

struct load {
	const char *uri, *bind_dn;
	struct berval password;
	struct work work;
	long connections, seconds, warmup, requests, rate;
	uint64_t counter, slots;
	int64_t start, begin, end;
	const char *trace; /* file for "number time" of each acknowledged operation */
	FILE *trace_file;
};

struct worker {
	struct load *l;
	struct thread thread;
	LDAP *ld;
	struct pick pick;
	struct tally tally;
	struct buf text[FIELDS_MAX];
};

static LDAP *
connect_one(const struct load *l)
{
	LDAP *ld;
	int three = LDAP_VERSION3, rc = ldap_initialize(&ld, l->uri);
	struct berval password = l->password;
	if (rc != LDAP_SUCCESS)
		die("%s: %s", l->uri, ldap_err2string(rc));
	ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &three);
	ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	rc = ldap_sasl_bind_s(ld, l->bind_dn, LDAP_SASL_SIMPLE, &password, NULL, NULL, NULL);
	if (rc != LDAP_SUCCESS)
		die("bind as %s: %s", l->bind_dn, ldap_err2string(rc));
	return ld;
}

/* --- operations ---------------------------------------------------------------------------------------------------
 * search BASE FILTER [ATTR…]   add DN ATTR=VALUE…   modify DN add:ATTR=VALUE | delete:… | replace:…   delete DN */

static char *
field(struct worker *w, const struct op *o, size_t i)
{
	struct buf *b = &w->text[i];
	buf_reset(b);
	pick_fill(&w->pick, o->field[i], b);
	buf_addc(b, '\0');
	return b->p;
}

static int
do_search(struct worker *w, const struct op *o)
{
	char *attrs[FIELDS_MAX + 1];
	LDAPMessage *msg = NULL;
	size_t n = 0;
	for (size_t i = 3; i < o->n_fields; i++)
		attrs[n++] = field(w, o, i);
	attrs[n] = NULL;
	int rc = ldap_search_ext_s(w->ld, field(w, o, 1), LDAP_SCOPE_SUBTREE, field(w, o, 2), n ? attrs : NULL, 0, NULL,
				   NULL, NULL, 0, &msg);
	if (rc == LDAP_SUCCESS && ldap_count_entries(w->ld, msg) == 0)
		rc = LDAP_NO_SUCH_OBJECT; /* the keys say that it is there */
	ldap_msgfree(msg);
	return rc;
}

struct mods {
	LDAPMod mod[FIELDS_MAX], *list[FIELDS_MAX + 1];
	char *value[FIELDS_MAX][2];
};

static LDAPMod **
build_mods(struct worker *w, const struct op *o, struct mods *m, bool kinds)
{
	size_t n = 0;
	for (size_t i = 2; i < o->n_fields; i++, n++) {
		char *text = field(w, o, i), *colon = kinds ? strchr(text, ':') : NULL;
		int how = LDAP_MOD_ADD;
		if (kinds && colon)
			how = *text == 'd' ? LDAP_MOD_DELETE : *text == 'r' ? LDAP_MOD_REPLACE : LDAP_MOD_ADD;
		text = colon ? colon + 1 : text;
		char *eq = strchr(text, '=');
		if (!eq)
			die("%s: %s is not ATTR=VALUE", o->name, text);
		*eq = '\0';
		m->value[n][0] = eq + 1;
		m->value[n][1] = NULL;
		m->mod[n] = (LDAPMod){.mod_op = how, .mod_type = text, .mod_vals.modv_strvals = m->value[n]};
		m->list[n] = &m->mod[n];
	}
	m->list[n] = NULL;
	return m->list;
}

/* Values of one attribute given several times (objectClass) become one LDAPMod for an add. */
static void
join_values(struct mods *m, char *joined[FIELDS_MAX + 1])
{
	size_t n = 0;
	for (size_t i = 0; m->list[i]; i++)
		if (strcasecmp(m->mod[i].mod_type, "objectClass") == 0)
			joined[n++] = m->value[i][0];
	joined[n] = NULL;
	size_t k = 0;
	bool had = false;
	for (size_t i = 0; m->list[i]; i++) {
		bool oc = strcasecmp(m->list[i]->mod_type, "objectClass") == 0;
		if (oc && had)
			continue;
		if (oc)
			m->list[i]->mod_vals.modv_strvals = joined;
		had = had || oc;
		m->list[k++] = m->list[i];
	}
	m->list[k] = NULL;
}

static int
perform(struct worker *w, const struct op *o)
{
	const char *what = o->field[0];
	struct mods m;
	if (o->n_fields >= 3 && strcmp(what, "search") == 0)
		return do_search(w, o);
	if (o->n_fields >= 3 && strcmp(what, "add") == 0) {
		char *classes[FIELDS_MAX + 1];
		build_mods(w, o, &m, false);
		join_values(&m, classes);
		return ldap_add_ext_s(w->ld, field(w, o, 1), m.list, NULL, NULL);
	}
	if (o->n_fields >= 3 && strcmp(what, "modify") == 0)
		return ldap_modify_ext_s(w->ld, field(w, o, 1), build_mods(w, o, &m, true), NULL, NULL);
	if (o->n_fields == 2 && strcmp(what, "delete") == 0)
		return ldap_delete_ext_s(w->ld, field(w, o, 1), NULL, NULL);
	die("%s: unknown LDAP work \"%s\"", o->name, what);
}

/* When the next operation is due; 0 = no more. */
static int64_t
next_due(struct load *l)
{
	uint64_t slot = __atomic_fetch_add(&l->slots, 1, __ATOMIC_RELAXED);
	int64_t now = clock_mono_us();
	if (l->requests > 0 && slot >= (uint64_t)l->requests)
		return 0;
	int64_t due = l->rate > 0 ? l->start + (int64_t)slot * 1000000 / l->rate : now;
	if (due >= l->end || now >= l->end)
		return 0;
	if (due > now) {
		struct timespec t = {.tv_sec = (due - now) / 1000000, .tv_nsec = (due - now) % 1000000 * 1000};
		nanosleep(&t, NULL); /* the pace of the load, nothing waits for it */
	}
	return due;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct load *l = w->l;
	for (int64_t due; (due = next_due(l)) != 0;) {
		const struct op *o = pick_next(&w->pick, &l->counter);
		int rc = perform(w, o);
		int64_t now = clock_mono_us();
		if (rc != LDAP_SUCCESS)
			tally_error(&w->tally, "%s: %s", o->name, ldap_err2string(rc));
		else if (now >= l->begin)
			hist_add(&w->tally.op[o - l->work.op], now - due);
		if (l->trace_file && rc == LDAP_SUCCESS)
			fprintf(l->trace_file, "%llu %lld\n", (unsigned long long)w->pick.number, (long long)now);
	}
	return NULL;
}

static int
run(struct load *l)
{
	static struct tally all;
	size_t n = (size_t)l->connections;
	struct worker *w = calloc(n, sizeof(*w));
	if (!w)
		die("no memory");
	for (size_t i = 0; i < n; i++) {
		w[i].l = l;
		w[i].ld = connect_one(l);
		pick_init(&w[i].pick, &l->work, (unsigned)i, l->counter + 1);
		for (size_t k = 0; k < FIELDS_MAX; k++)
			w[i].text[k] = BUF_INIT(16u << 20);
	}
	l->start = clock_mono_us();
	l->begin = l->start + l->warmup * 1000000;
	l->end = l->begin + l->seconds * 1000000;
	for (size_t i = 0; i < n; i++)
		thread_start(&w[i].thread, "ldap-load", work, &w[i]);
	for (size_t i = 0; i < n; i++)
		thread_join(&w[i].thread);
	double seconds = (double)(clock_mono_us() - l->begin) / 1e6;
	for (size_t i = 0; i < n; i++) {
		tally_merge(&all, &w[i].tally);
		ldap_unbind_ext(w[i].ld, NULL, NULL);
	}
	tally_print(&l->work, &all, seconds);
	return all.errors > 0 ? 3 : 0;
}

/* --- everything --------------------------------------------------------------------------------------------------- */

struct dump {
	const char *base, *filter;
	char *attrs[FIELDS_MAX + 1];
	int page; /* 0: one answer */
	bool sync;
};

static LDAPControl *
dump_control(LDAP *ld, const struct dump *d, struct berval *cookie)
{
	LDAPControl *c = NULL;
	if (d->page > 0 && ldap_create_page_control(ld, d->page, cookie, 1, &c) != LDAP_SUCCESS)
		die("the paged results control cannot be made");
	if (d->sync) { /* RFC 4533 2.2: SEQUENCE { mode refreshOnly } */
		static char mode[] = {0x30, 0x03, 0x0a, 0x01, 0x01};
		struct berval value = {sizeof(mode), mode};
		if (ldap_control_create(LDAP_CONTROL_SYNC, 1, &value, 1, &c) != LDAP_SUCCESS)
			die("the sync control cannot be made");
	}
	return c;
}

/* Walks every value, as somebody would who wants them. True if there are more pages. */
static bool
dump_page(LDAP *ld, const struct dump *d, struct berval *cookie, uint64_t *entries, uint64_t *bytes)
{
	LDAPControl *control = dump_control(ld, d, cookie), *controls[] = {control, NULL}, **back = NULL;
	LDAPMessage *msg = NULL;
	int id, err = 0;
	if (ldap_search_ext(ld, d->base, LDAP_SCOPE_SUBTREE, d->filter,
			    (char **)(uintptr_t)(d->attrs[0] ? d->attrs : NULL), 0, controls, NULL, NULL, 0,
			    &id) != LDAP_SUCCESS)
		die("the search cannot be sent");
	for (int type = 0; type != LDAP_RES_SEARCH_RESULT;) {
		ldap_msgfree(msg);
		type = ldap_result(ld, id, LDAP_MSG_ONE, NULL, &msg);
		if (type <= 0)
			die("the directory went away");
		if (type != LDAP_RES_SEARCH_ENTRY)
			continue;
		BerElement *ber = NULL;
		struct berval name, *vals = NULL;
		++*entries;
		if (ldap_get_dn_ber(ld, msg, &ber, &name) != LDAP_SUCCESS)
			die("an entry cannot be decoded");
		while (ldap_get_attribute_ber(ld, msg, ber, &name, &vals) == LDAP_SUCCESS && name.bv_val) {
			for (size_t i = 0; vals && vals[i].bv_val; i++)
				*bytes += vals[i].bv_len;
			ber_memfree(vals);
			vals = NULL;
		}
		ber_free(ber, 0);
	}
	ldap_parse_result(ld, msg, &err, NULL, NULL, NULL, &back, 1);
	if (err != LDAP_SUCCESS)
		die("dump: %s", ldap_err2string(err));
	ber_memfree(cookie->bv_val);
	*cookie = (struct berval){0, NULL};
	LDAPControl *page = back ? ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, back, NULL) : NULL;
	ber_int_t estimate;
	if (page)
		ldap_parse_pageresponse_control(ld, page, &estimate, cookie);
	ldap_controls_free(back);
	ldap_control_free(control);
	return cookie->bv_len > 0;
}

static int
dump(const struct load *l, const struct dump *d)
{
	static struct hist pages;
	LDAP *ld = connect_one(l);
	struct berval cookie = {0, NULL};
	uint64_t entries = 0, bytes = 0;
	int64_t began = clock_mono_us(), first = 0, last = 0;
	bool more;
	do {
		int64_t t = clock_mono_us();
		more = dump_page(ld, d, &cookie, &entries, &bytes);
		last = clock_mono_us() - t;
		first = first ? first : last;
		hist_add(&pages, last);
	} while (more);
	double seconds = (double)(clock_mono_us() - began) / 1e6;
	ldap_unbind_ext(ld, NULL, NULL);
	printf("{\"seconds\":%.3f,\"total\":%llu,\"bytes\":%llu,\"first\":%lld,\"last\":%lld,\"pages\":", seconds,
	       (unsigned long long)entries, (unsigned long long)bytes, (long long)first, (long long)last);
	hist_print(stdout, &pages, seconds);
	printf("}\n");
	return 0;
}

/* --- command line ------------------------------------------------------------------------------------------------- */

static const char usage[] =
	"ldap_load --uri URI --bind DN --password-file FILE --work FILE [--keys FILE] [--connections N] [--seconds S]\n"
	"          [--warmup S] [--requests N] [--rate N] [--first N] [--sequence] [--trace FILE]\n"
	"ldap_load --uri URI --bind DN --password-file FILE --dump BASE [--page N | --sync] FILTER [ATTR…]\n";

static void
read_password(struct load *l, const char *path)
{
	static char text[512];
	FILE *f = fopen(path, "r");
	if (!f || !fgets(text, sizeof(text), f))
		die("%s: no password", path);
	fclose(f);
	text[strcspn(text, "\r\n")] = '\0';
	l->password = (struct berval){strlen(text), text};
}

static void
parse(struct load *l, struct dump *d, struct arena *a, int argc, char **argv)
{
	static const struct option options[] = {
		{"uri", 1, NULL, 'u'},     {"bind", 1, NULL, 'b'},   {"password-file", 1, NULL, 'p'},
		{"work", 1, NULL, 'w'},    {"keys", 1, NULL, 'k'},   {"connections", 1, NULL, 'c'},
		{"seconds", 1, NULL, 's'}, {"warmup", 1, NULL, 'W'}, {"requests", 1, NULL, 'r'},
		{"rate", 1, NULL, 'R'},    {"first", 1, NULL, 'f'},  {"sequence", 0, NULL, 'q'},
		{"trace", 1, NULL, 't'},   {"dump", 1, NULL, 'D'},   {"page", 1, NULL, 'P'},
		{"sync", 0, NULL, 'y'},    {NULL, 0, NULL, 0},
	};
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (o) {
		case 'u':
			l->uri = optarg;
			break;
		case 'b':
			l->bind_dn = optarg;
			break;
		case 'p':
			read_password(l, optarg);
			break;
		case 'w':
			work_open(a, optarg, &l->work);
			break;
		case 'k':
			keys_open(optarg, &l->work.keys);
			break;
		case 'c':
			l->connections = number("--connections", optarg);
			break;
		case 's':
			l->seconds = number("--seconds", optarg);
			break;
		case 'W':
			l->warmup = number("--warmup", optarg);
			break;
		case 'r':
			l->requests = number("--requests", optarg);
			break;
		case 'R':
			l->rate = number("--rate", optarg);
			break;
		case 'f':
			l->counter = (uint64_t)number("--first", optarg);
			break;
		case 'q':
			l->work.sequence = true;
			break;
		case 't':
			l->trace = optarg;
			break;
		case 'D':
			d->base = optarg;
			break;
		case 'P':
			d->page = (int)number("--page", optarg);
			break;
		case 'y':
			d->sync = true;
			break;
		default:
			die("%s", usage);
		}
	for (size_t i = 0; optind < argc; optind++)
		if (d->filter && i < FIELDS_MAX)
			d->attrs[i++] = argv[optind];
		else
			d->filter = argv[optind];
	if (!l->uri || !l->bind_dn || !l->password.bv_val || (!d->base && l->work.n == 0) || (d->base && !d->filter))
		die("%s", usage);
}

int
main(int argc, char **argv)
{
	static struct load l = {.connections = 1, .seconds = 3600};
	static struct dump d;
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	parse(&l, &d, a, argc, argv);
	if (d.base)
		return dump(&l, &d);
	if (l.trace && !(l.trace_file = fopen(l.trace, "w")))
		die("%s: cannot be written", l.trace);
	int rc = run(&l);
	if (l.trace_file)
		fclose(l.trace_file);
	return rc;
}
