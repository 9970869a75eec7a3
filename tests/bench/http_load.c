/* SPDX-License-Identifier: Apache-2.0
 * HTTP load: N keep-alive connections on one epoll loop, closed (each asks again when answered) or paced to a rate,
 * where latency counts from the moment a request was due. Also walks pages and follows a feed (http_walk.c). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "dirhinge/base/clock.h"
#include "http_conn.h"

struct client {
	struct http_conn c;
	struct pick pick;
	const struct op *op; /* NULL: idle */
	int64_t due;
	bool writing;
};

struct load {
	struct target target;
	struct work work;
	struct tally tally;
	struct client *client;
	struct client **idle; /* paced: who has nothing to do */
	size_t n, n_idle, n_busy;
	long seconds, warmup, requests, rate;
	uint64_t counter, started;
	int64_t begin, end, next;
	int epoll;
	struct buf path, body;
};

static void
watch(struct load *l, struct client *cl, int how)
{
	struct epoll_event ev = {.events = cl->writing ? EPOLLOUT : EPOLLIN, .data.ptr = cl};
	if (epoll_ctl(l->epoll, how, cl->c.fd, &ev) < 0)
		die("epoll_ctl failed");
}

static void progress(struct load *l, struct client *cl);

static bool
may_start(const struct load *l)
{
	return (l->requests == 0 || l->started < (uint64_t)l->requests) && clock_mono_us() < l->end;
}

static void
start(struct load *l, struct client *cl, int64_t due)
{
	const struct op *o = pick_next(&cl->pick, &l->counter);
	if (o->n_fields < 2)
		die("%s: a line of HTTP work is weight, name, method, path and perhaps a body", o->name);
	buf_reset(&l->path);
	buf_reset(&l->body);
	pick_fill(&cl->pick, o->field[1], &l->path);
	if (o->n_fields > 2)
		pick_fill(&cl->pick, o->field[2], &l->body);
	http_conn_request(&cl->c, o->field[0], buf_str(&l->path), buf_view(&l->body));
	cl->op = o;
	cl->due = due;
	l->started++;
	l->n_busy++;
}

/* In an open run the next one is due when the clock says so, in a closed one at once. */
static bool
start_next(struct load *l, struct client *cl)
{
	int64_t now = clock_mono_us();
	if (!may_start(l))
		return false;
	if (l->rate > 0) {
		if (l->next > now) {
			l->idle[l->n_idle++] = cl;
			return false;
		}
		int64_t due = l->next;
		l->next += 1000000 / l->rate;
		start(l, cl, due);
		return true;
	}
	start(l, cl, now);
	return true;
}

static void
reconnect(struct load *l, struct client *cl)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, cl->c.fd, NULL);
	http_conn_close(&cl->c);
	http_conn_open(&cl->c, &l->target, false);
	cl->writing = false;
	watch(l, cl, EPOLL_CTL_ADD);
}

static void
finish(struct load *l, struct client *cl, bool lost)
{
	const struct op *o = cl->op;
	int64_t now = clock_mono_us();
	cl->op = NULL;
	l->n_busy--;
	if (lost) {
		tally_error(&l->tally, "%s: the connection was lost", o->name);
		reconnect(l, cl);
	} else if (cl->c.status < 200 || cl->c.status > 299) {
		struct strv body = http_conn_body(&cl->c);
		tally_error(&l->tally, "%s: %d %.*s", o->name, cl->c.status, (int)(body.n < 300 ? body.n : 300),
			    body.p);
	} else if (now >= l->begin) {
		hist_add(&l->tally.op[o - l->work.op], now - cl->due);
	}
}

static void
progress(struct load *l, struct client *cl)
{
	while (cl->op) {
		enum http_io io = http_conn_io(&cl->c);
		if (io == HTTP_READ || io == HTTP_WRITE) {
			if (cl->writing != (io == HTTP_WRITE)) {
				cl->writing = io == HTTP_WRITE;
				watch(l, cl, EPOLL_CTL_MOD);
			}
			return;
		}
		finish(l, cl, io == HTTP_LOST);
		if (!start_next(l, cl))
			return;
	}
}

static int
wait_ms(const struct load *l)
{
	if (l->rate == 0 || l->n_idle == 0)
		return 1000;
	int64_t us = l->next - clock_mono_us();
	return us <= 0 ? 0 : (int)((us + 999) / 1000);
}

static void
run(struct load *l)
{
	struct epoll_event ev[256];
	for (size_t i = 0; i < l->n; i++)
		if (start_next(l, &l->client[i]))
			progress(l, &l->client[i]);
	while (l->n_busy > 0 || (l->n_idle > 0 && may_start(l))) {
		int n = epoll_wait(l->epoll, ev, ARRAY_SIZE(ev), wait_ms(l));
		for (int i = 0; i < n; i++)
			progress(l, ev[i].data.ptr);
		while (l->n_idle > 0 && may_start(l) && l->next <= clock_mono_us()) {
			struct client *cl = l->idle[--l->n_idle];
			if (start_next(l, cl))
				progress(l, cl);
		}
	}
}

static void
open_all(struct load *l)
{
	l->client = calloc(l->n, sizeof(*l->client));
	l->idle = calloc(l->n, sizeof(*l->idle));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->path = l->body = BUF_INIT(64u << 20);
	if (!l->client || !l->idle || l->epoll < 0)
		die("no memory");
	for (size_t i = 0; i < l->n; i++) {
		http_conn_open(&l->client[i].c, &l->target, false);
		pick_init(&l->client[i].pick, &l->work, (unsigned)i, l->counter + 1);
		watch(l, &l->client[i], EPOLL_CTL_ADD);
	}
}

static const char usage[] =
	"http_load --url URL --work FILE [--keys FILE] [--token-file FILE] [--ca FILE] [--connections N] [--seconds "
	"S]\n"
	"          [--warmup S] [--requests N] [--rate N] [--first N] [--sequence]\n"
	"http_load --url URL --walk PATH [--field NAME] [--page N] [--cursor TEXT] [--mark TEXT --marks N --seconds "
	"S]\n";

struct args {
	const char *url, *token, *ca, *work, *keys;
	struct walk walk;
	struct load l;
};

static void
parse(struct args *a, int argc, char **argv)
{
	static const struct option options[] = {
		{"url", 1, NULL, 'u'},     {"token-file", 1, NULL, 't'}, {"ca", 1, NULL, 'C'},
		{"work", 1, NULL, 'w'},    {"keys", 1, NULL, 'k'},       {"connections", 1, NULL, 'c'},
		{"seconds", 1, NULL, 's'}, {"warmup", 1, NULL, 'W'},     {"requests", 1, NULL, 'r'},
		{"rate", 1, NULL, 'R'},    {"first", 1, NULL, 'f'},      {"sequence", 0, NULL, 'q'},
		{"walk", 1, NULL, 'P'},    {"field", 1, NULL, 'F'},      {"page", 1, NULL, 'p'},
		{"mark", 1, NULL, 'm'},    {"cursor", 1, NULL, 'X'},     {"marks", 1, NULL, 'M'},
		{NULL, 0, NULL, 0},
	};
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (o) {
		case 'u':
			a->url = optarg;
			break;
		case 't':
			a->token = optarg;
			break;
		case 'C':
			a->ca = optarg;
			break;
		case 'w':
			a->work = optarg;
			break;
		case 'k':
			a->keys = optarg;
			break;
		case 'c':
			a->l.n = (size_t)number("--connections", optarg);
			break;
		case 's':
			a->l.seconds = number("--seconds", optarg);
			break;
		case 'W':
			a->l.warmup = number("--warmup", optarg);
			break;
		case 'r':
			a->l.requests = number("--requests", optarg);
			break;
		case 'R':
			a->l.rate = number("--rate", optarg);
			break;
		case 'f':
			a->l.counter = (uint64_t)number("--first", optarg);
			break;
		case 'q':
			a->l.work.sequence = true;
			break;
		case 'P':
			a->walk.path = optarg;
			break;
		case 'F':
			a->walk.field = optarg;
			break;
		case 'p':
			a->walk.page = number("--page", optarg);
			break;
		case 'm':
			a->walk.mark = optarg;
			break;
		case 'X':
			a->walk.cursor = optarg;
			break;
		case 'M':
			a->walk.marks = number("--marks", optarg);
			break;
		default:
			die("%s", usage);
		}
	if (!a->url || (!a->work && !a->walk.path))
		die("%s", usage);
}

int
main(int argc, char **argv)
{
	static struct args a = {.l = {.n = 1, .seconds = 3600}, .walk = {.page = 1000}};
	DH_CLEANUP(arena_free) struct arena *arena = arena_new(4096);
	struct load *l = &a.l;
	parse(&a, argc, argv);
	target_open(&l->target, a.url, a.token, a.ca);
	if (a.walk.path) {
		a.walk.seconds = l->seconds;
		http_walk(&l->target, &a.walk);
		return 0;
	}
	work_open(arena, a.work, &l->work);
	if (a.keys)
		keys_open(a.keys, &l->work.keys);
	open_all(l);
	int64_t now = clock_mono_us();
	l->begin = now + l->warmup * 1000000;
	l->end = l->begin + l->seconds * 1000000;
	l->next = now;
	run(l);
	double seconds = (double)(clock_mono_us() - l->begin) / 1e6;
	tally_print(&l->work, &l->tally, seconds);
	return l->tally.errors > 0 ? 3 : 0;
}
