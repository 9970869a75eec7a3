/* SPDX-License-Identifier: Apache-2.0
 * src/dir and TLS: what is verified, what is refused, and what nobody on the wire ever hears. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dirhinge/base/thread.h"
#include "live_two.h"

START_TEST(certificates)
{
	char other[128];
	struct dir_opts o = {.ca_file = live_cert("ca.pem")};
	struct dir *d = live_dir(o, one.ldaps);

	ok(live_touch(d, "ldaps"));
	dir_free(&d);
	o.start_tls = true;
	d = live_dir(o, one.ldap);
	ok(live_touch(d, "StartTLS"));
	dir_free(&d);

	/* CN fits, SAN does not: the library's default would let it through */
	d = live_dir(o, two.ldap);
	live_timed_ping(d);
	dir_free(&d);
	o.start_tls = false;
	d = live_dir(o, two.ldaps);
	live_timed_ping(d);
	dir_free(&d);

	/* signed by somebody else */
	snprintf(other, sizeof(other), "%s", live_cert("other-ca.pem"));
	o.ca_file = other;
	d = live_dir(o, one.ldaps);
	live_timed_ping(d);
	dir_free(&d);
	o.ca_file = NULL; /* the system's authorities do not know it either */
	d = live_dir(o, one.ldaps);
	live_timed_ping(d);
	dir_free(&d);
}
END_TEST

/* [MS-ADTS] 3.1.1.3.1.5.1: unicodePwd is a password as it was typed. slapd does not know it and says so (17), if it is
 * asked at all. */
START_TEST(unicode_password_only_in_private)
{
	struct dir_opts o = {.ca_file = live_cert("ca.pem"), .flavour = "active-directory"};
	const char *const uris[] = {one.ldap, one.ldaps, one.ldapi, one.ldap};
	const int refused_by[] = {0, 17, 17, 17};

	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		o.start_tls = i == 3;

		struct dir *d = live_dir(o, uris[i]);

		fails(dir_set_password(d, a, "uid=x," PEOPLE, STRV("s3cret-Xy9"), deadline_in(5000), &e), ERR_CONFIG);
		ck_assert_msg(e.ldap_rc == refused_by[i], "%s: %d %s", uris[i], e.ldap_rc, e.detail);
		ck_assert(refused_by[i] || strstr(e.detail, "only written over TLS"));
		ck_assert(!strstr(e.detail, "s3cret") && !strstr(e.cause, "s3cret"));
		dir_free(&d);
	}
}
END_TEST

START_TEST(broken_ca_file)
{
	const char *uris[] = {one.ldaps};
	struct dir_opts o = {.uris = uris, .n_uris = 1, .bind_dn = "cn=x", .pool_size = 1, .timeout_ms = 1000};
	struct dir *d = NULL;

	o.password = live_password();
	o.ca_file = "/nonexistent/ca.pem";
	ck_assert_int_eq(dir_new(&o, &d, &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert(strstr(e.detail, "/nonexistent/ca.pem"));
	ck_assert_ptr_null(d);
}
END_TEST

/* Something that is no directory, or one without StartTLS: what it hears is kept. */
struct trap {
	struct thread t;
	int fd;
	int port;
	const char *answer;
	size_t answer_n;
	char heard[4096];
	size_t n;
};

static void *
listen_in(void *arg)
{
	struct trap *trap = arg;
	int fd = accept(trap->fd, NULL, NULL);
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	bool answered = false;

	while (fd >= 0 && trap->n < sizeof(trap->heard) && poll(&pfd, 1, 5000) == 1) {
		ssize_t n = recv(fd, trap->heard + trap->n, sizeof(trap->heard) - trap->n, 0);

		if (n <= 0)
			break;
		trap->n += (size_t)n;
		if (!answered && trap->answer)
			answered = send(fd, trap->answer, trap->answer_n, MSG_NOSIGNAL) > 0;
	}
	close(fd);
	return NULL;
}

static void
trap_open(struct trap *trap, struct strv answer)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sa);

	*trap = (struct trap){
		.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .answer = answer.p, .answer_n = answer.n};
	ck_assert_int_eq(bind(trap->fd, (struct sockaddr *)&sa, n), 0);
	ck_assert_int_eq(listen(trap->fd, 1), 0);
	ck_assert_int_eq(getsockname(trap->fd, (struct sockaddr *)&sa, &n), 0);
	trap->port = ntohs(sa.sin_port);
	thread_start(&trap->t, "trap", listen_in, trap);
}

START_TEST(password_never_goes_out_in_clear)
{
	/* ExtendedResponse, message 1: protocolError / success followed by nothing that is TLS */
	static const char refusal[] = "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00";
	static const char lie[] = "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
	const struct strv answers[] = {STRV(refusal), STRV(lie)};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		static struct trap trap;
		struct dir *d;

		trap_open(&trap, answers[i]);
		d = live_dir((struct dir_opts){.start_tls = true, .ca_file = live_cert("ca.pem"), .timeout_ms = 1000},
			     arena_printf(a, "ldap://127.0.0.1:%d", trap.port));
		ck_assert_int_lt(live_timed_ping(d), 2000);
		dir_free(&d);
		shutdown(trap.fd, SHUT_RDWR);
		thread_join(&trap.t);
		close(trap.fd);
		ck_assert_uint_gt(trap.n, 0); /* it did hear the request for StartTLS */
		ck_assert_ptr_nonnull(memmem(trap.heard, trap.n, "1.3.6.1.4.1.1466.20037", 22));
		ck_assert_ptr_null(memmem(trap.heard, trap.n, "gwsecret", 8));
		ck_assert_ptr_null(memmem(trap.heard, trap.n, "cn=gateway", 10));
	}
}
END_TEST

START_TEST(garbage_instead_of_ldap)
{
	static struct trap trap;
	struct dir *d;

	trap_open(&trap, STRV("HTTP/1.1 400 Bad Request\r\n\r\n"));
	d = live_dir((struct dir_opts){.timeout_ms = 1000}, arena_printf(a, "ldap://127.0.0.1:%d", trap.port));
	ck_assert_int_lt(live_timed_ping(d), 2000);
	dir_free(&d);
	shutdown(trap.fd, SHUT_RDWR);
	thread_join(&trap.t);
	close(trap.fd);
}
END_TEST

/* A TLS server of one version, by openssl; answers nothing after the handshake. */
static pid_t
tls_server(const char *version, int port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	char *cert = arena_strdup(a, live_cert("good.pem"));
	char *key = arena_strdup(a, live_cert("good-key.pem"));
	deadline_t until = deadline_in(10000);
	pid_t pid = fork();

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("openssl", "openssl", "s_server", "-quiet", "-accept", arena_printf(a, "%d", port), "-cert",
		       cert, "-key", key, version, "-cipher", "DEFAULT:@SECLEVEL=0", (char *)NULL);
		_exit(127);
	}
	for (bool up = false; !up; poll(NULL, 0, 10)) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		up = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
		close(fd);
		ck_assert(deadline_left(until) > 0);
	}
	return pid;
}

START_TEST(old_tls_is_refused)
{
	static const struct {
		const char *version;
		bool old;
	} cases[] = {{"-tls1_1", true}, {"-tls1_2", false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int port = live_free_port();
		pid_t pid = tls_server(cases[i].version, port);
		struct dir *d = live_dir((struct dir_opts){.ca_file = live_cert("ca.pem"), .timeout_ms = 1000},
					 arena_printf(a, "ldaps://127.0.0.1:%d", port));

		live_timed_ping(d);
		/* OpenSSL refuses the handshake, after GnuTLS we do; the newer version gets as far as the bind */
		ck_assert_msg(!strstr(e.cause, "bind as") == cases[i].old, "%s", e.cause);
		dir_free(&d);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}
END_TEST

START_TEST(hanging_handshakes)
{
	struct dir_opts o = {.ca_file = live_cert("ca.pem"), .timeout_ms = 1500};
	struct dir *tls = live_dir(o, one.ldaps);
	struct dir *start = live_dir((o.start_tls = true, o), one.ldap);

	live_stop(&one);
	ck_assert_int_lt(live_timed_ping(tls), 2200);
	ck_assert_int_lt(live_timed_ping(start), 2200);
	live_cont(&one);
	live_ping_until_ok(tls, 4000);
	live_ping_until_ok(start, 4000);
	dir_free(&tls);
	dir_free(&start);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		hanging_handshakes,
		certificates,
		broken_ca_file,
		password_never_goes_out_in_clear,
		garbage_instead_of_ldap,
		old_tls_is_refused,
		unicode_password_only_in_private,
	};

	live_begin();
	/* reliability.md T-30: what an attacker, or a careless ldap.conf, says about verification and trust is not
	 * heard. */
	setenv("LDAPTLS_REQCERT", "never", 1);
	setenv("LDAPTLS_REQSAN", "never", 1);
	setenv("LDAPTLS_CACERTDIR", live_trust_dir(), 1);
	return live_two_run("dir_tls", tests, ARRAY_SIZE(tests));
}
