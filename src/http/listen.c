/* SPDX-License-Identifier: Apache-2.0
 * The listening socket. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dirhinge/base/strv.h"

#define BACKLOG         1024
#define FIRST_PASSED_FD 3 /* sd_listen_fds(3) */

static int
copy(char *out, size_t size, struct strv s, const char *what, struct err *e)
{
	if (s.n >= size)
		return err_set(e, ERR_CONFIG, "the %s of the listen address is longer than %zu bytes", what, size - 1);
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return 0;
}

static bool
is_port(struct strv s)
{
	long n = 0;
	if (s.n == 0 || s.n > 5)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n = n * 10 + (s.p[i] - '0');
	}
	return n <= 65535;
}

int
http_listen_parse(const char *text, struct listen_address *a_r, struct err *e)
{
	struct listen_address a = {.kind = LISTEN_TCP};
	struct strv t = strv_of(text);
	struct strv unix_prefix = STRV("unix:");
	must(text);
	if (strv_starts(t, unix_prefix)) {
		struct strv path = {t.p + unix_prefix.n, t.n - unix_prefix.n};
		if (path.n == 0 || path.p[0] != '/')
			return err_set(e, ERR_CONFIG, "listen: \"%s\": the path after unix: must be absolute", text);
		a.kind = LISTEN_UNIX;
		if (copy(a.path, sizeof a.path, path, "socket path", e) < 0)
			return -1;
		*a_r = a;
		return 0;
	}
	size_t colon = t.n;
	while (colon > 0 && t.p[colon - 1] != ':')
		colon--;
	struct strv host = {t.p, colon ? colon - 1 : 0};
	struct strv port = {t.p + colon, t.n - colon};
	if (colon == 0 || !is_port(port))
		return err_set(e, ERR_CONFIG, "listen: \"%s\" is not host:port, [v6]:port or unix:/path", text);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = strv_n(host.p + 1, host.n - 2);
	else if (strv_chr(host, ':') < host.n)
		return err_set(e, ERR_CONFIG, "listen: \"%s\": an IPv6 address needs brackets: [::1]:8080", text);
	if (copy(a.host, sizeof a.host, host, "host", e) < 0 || copy(a.port, sizeof a.port, port, "port", e) < 0)
		return -1;
	*a_r = a;
	return 0;
}

static int
fail(const char *text, const char *step, struct err *e)
{
	int code = errno;
	const char *hint = code == EADDRINUSE      ? "; another process listens there: stop it or take another address"
			   : code == EACCES        ? "; ports below 1024 and foreign directories need rights"
			   : code == EADDRNOTAVAIL ? "; this machine does not have that address"
						   : "";
	return err_set(e, ERR_IO, "cannot listen on %s: %s: %s%s", text, step, strerror(code), hint);
}

/* --- Unix ------------------------------------------------------------------------------------------------------- */

static void
fill_unix(struct sockaddr_un *sun, const char *path)
{
	*sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(sun->sun_path, path, strlen(path));
}

/* A process that died leaves its socket file; one that lives answers connect(). */
static int
remove_stale(const char *text, const struct sockaddr_un *sun, struct err *e)
{
	struct stat st;
	if (lstat(sun->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : fail(text, "stat", e);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_IO, "cannot listen on %s: the file exists and is not a socket", text);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(text, "socket", e);
	int rc = connect(fd, (const struct sockaddr *)sun, sizeof *sun);
	int code = errno;
	close(fd);
	if (rc == 0 || code != ECONNREFUSED) {
		errno = rc == 0 ? EADDRINUSE : code;
		return fail(text, "connect to the existing socket", e);
	}
	if (unlink(sun->sun_path) < 0 && errno != ENOENT)
		return fail(text, "remove the stale socket", e);
	return 0;
}

static int
open_unix(const char *text, const struct listen_address *a, struct listen *l_r, struct err *e)
{
	struct sockaddr_un sun;
	fill_unix(&sun, a->path);
	if (remove_stale(text, &sun, e) < 0)
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(text, "socket", e);
	if (bind(fd, (const struct sockaddr *)&sun, sizeof sun) < 0) {
		(void)fail(text, "bind", e);
		close(fd);
		return -1;
	}
	/* nobody can connect before listen(), so the mode is in place in time; umask would touch other threads */
	if (chmod(a->path, 0600) < 0 || listen(fd, BACKLOG) < 0) {
		(void)fail(text, "listen", e);
		close(fd);
		(void)unlink(a->path);
		return -1;
	}
	*l_r = (struct listen){.fd = fd};
	(void)snprintf(l_r->address, sizeof l_r->address, "unix:%s", a->path);
	(void)snprintf(l_r->unlink_path, sizeof l_r->unlink_path, "%s", a->path);
	return 0;
}

/* --- TCP -------------------------------------------------------------------------------------------------------- */

static int
bind_one(const struct addrinfo *ai)
{
	int on = 1;
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
	if (fd < 0)
		return -1;
	bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
	if (ok && ai->ai_family == AF_INET6)
		ok = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
	if (ok && bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int code = errno;
	close(fd);
	errno = code;
	return -1;
}

static int
open_tcp(const char *text, const struct listen_address *a, struct listen *l_r, struct err *e)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	int rc = getaddrinfo(a->host[0] ? a->host : NULL, a->port, &hints, &list);
	if (rc != 0)
		return err_set(e, ERR_IO, "cannot listen on %s: %s", text, gai_strerror(rc));
	int fd = -1;
	for (const struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
		fd = bind_one(ai);
	int code = errno;
	freeaddrinfo(list);
	errno = code;
	if (fd < 0)
		return fail(text, "bind", e);
	*l_r = (struct listen){.fd = fd};
	return 0;
}

/* --- inherited -------------------------------------------------------------------------------------------------- */

static bool
env_is(const char *name, long least, long most)
{
	const char *text = getenv(name);
	char *end = NULL;
	if (!text || !*text)
		return false;
	errno = 0;
	long n = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' && n >= least && n <= most;
}

static int
check_inherited(struct err *e)
{
	int type = 0, accepting = 0;
	socklen_t n = sizeof type, m = sizeof accepting;
	if (getsockopt(FIRST_PASSED_FD, SOL_SOCKET, SO_TYPE, &type, &n) < 0 || type != SOCK_STREAM ||
	    getsockopt(FIRST_PASSED_FD, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &m) < 0 || !accepting)
		return err_set(e, ERR_IO,
			       "LISTEN_FDS: descriptor %d is not a listening stream socket; "
			       "use ListenStream= in the socket unit",
			       FIRST_PASSED_FD);
	(void)fcntl(FIRST_PASSED_FD, F_SETFD, FD_CLOEXEC);
	return 0;
}

/* --- all -------------------------------------------------------------------------------------------------------- */

static void
name_address(struct listen *l)
{
	struct sockaddr_storage ss = {0};
	socklen_t n = sizeof ss;
	char host[INET6_ADDRSTRLEN] = "", port[6] = "";
	(void)snprintf(l->address, sizeof l->address, "fd:%d", l->fd);
	if (getsockname(l->fd, (struct sockaddr *)&ss, &n) < 0)
		return;
	if (ss.ss_family == AF_UNIX) {
		const struct sockaddr_un *sun = (const struct sockaddr_un *)(const void *)&ss;
		(void)snprintf(l->address, sizeof l->address, "unix:%.107s", sun->sun_path);
	} else if (getnameinfo((const struct sockaddr *)&ss, n, host, sizeof host, port, sizeof port,
			       NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
		bool v6 = ss.ss_family == AF_INET6;
		(void)snprintf(l->address, sizeof l->address, "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
	}
}

/* "127.0.0.1:8080 (server.listen)" */
static const char *
option_text(const struct listen_wish *w, char *out, size_t size)
{
	(void)snprintf(out, size, "%s (%s)", w->text, w->option);
	return out;
}

int
http_listen_open(const struct listen_wish *w, struct listen *l_r, struct err *e)
{
	char name[400];
	struct listen_address a;
	struct listen l = {.fd = -1};
	if (w->inherit && env_is("LISTEN_PID", getpid(), getpid()) && env_is("LISTEN_FDS", 1, 1024)) {
		if (check_inherited(e) < 0)
			return -1;
		l.fd = FIRST_PASSED_FD;
	} else {
		if (http_listen_parse(w->text, &a, e) < 0)
			return -1;
		const char *what = option_text(w, name, sizeof name);
		if ((a.kind == LISTEN_UNIX ? open_unix : open_tcp)(what, &a, &l, e) < 0)
			return -1;
	}
	name_address(&l);
	*l_r = l;
	return 0;
}

void
http_listen_close(struct listen *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	if (l->unlink_path[0])
		(void)unlink(l->unlink_path);
	l->unlink_path[0] = '\0';
}
