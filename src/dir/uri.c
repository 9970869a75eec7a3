/* SPDX-License-Identifier: Apache-2.0
 * LDAP URIs: the strict subset that a configuration needs. */
#include "dir/uri.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "dirhinge/base/buf.h"
#include "dirhinge/base/codec.h"
#include "dirhinge/base/strv.h"

static const struct {
	const char *prefix;
	enum uri_scheme scheme;
	unsigned port;
} schemes[] = {
	{"ldap://", URI_LDAP, 389},
	{"ldaps://", URI_LDAPS, 636},
	{"ldapi://", URI_LDAPI, 0},
};

static int
bad(struct err *e, const char *text, const char *why)
{
	return err_set(e, ERR_CONFIG, "\"%s\" is not a usable LDAP URI: %s", text, why);
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int
parse_path(struct arena *a, const char *text, struct strv rest, struct uri *u, struct err *e)
{
	DH_CLEANUP(buf_done) struct buf path = BUF_INIT(108); /* sun_path */
	DH_CLEANUP(buf_done) struct buf out = BUF_INIT(512);

	if (rest.n && rest.p[rest.n - 1] == '/')
		rest.n--;
	for (size_t i = 0; i < rest.n; i++) {
		char c = rest.p[i];

		if (c == '%') {
			int hi = i + 2 < rest.n ? hex_value(rest.p[i + 1]) : -1;
			int lo = i + 2 < rest.n ? hex_value(rest.p[i + 2]) : -1;

			if (hi < 0 || lo < 0 || hi + lo == 0)
				return bad(e, text, "a % must be followed by two hex digits");
			c = (char)(hi * 16 + lo);
			i += 2;
		} else if (!is_alnum(c) && !strchr("-._~", c)) {
			return bad(e, text,
				   "write the socket's path with %2F for each slash: ldapi://%2Frun%2Fslapd%2Fldapi");
		}
		buf_addc(&path, c);
	}
	if (path.n == 0)
		return bad(e, text, "the socket's path is missing: ldapi://%2Frun%2Fslapd%2Fldapi");
	if (path.full || path.p[0] != '/')
		return bad(e, text, "the socket's path must be absolute and at most 107 bytes long");

	buf_adds(&out, "ldapi://");
	for (size_t i = 0; i < path.n; i++)
		if (is_alnum(path.p[i]) || strchr("-._~", path.p[i]))
			buf_addc(&out, path.p[i]);
		else
			buf_printf(&out, "%%%02X", (unsigned char)path.p[i]);
	u->host = arena_strdup(a, buf_str(&path));
	u->text = arena_strdup(a, buf_str(&out));
	return 0;
}

/* Splits "host:port" or "[v6]:port". */
static int
split_port(const char *text, struct strv rest, unsigned port, struct strv *host_r, unsigned *port_r, struct err *e)
{
	struct strv host;
	struct strv digits = {NULL, 0};

	if (rest.n && rest.p[0] == '[') {
		size_t end = strv_chr(rest, ']');

		if (end == rest.n)
			return bad(e, text, "the bracket of the IPv6 address is not closed");
		host = strv_n(rest.p + 1, end - 1);
		if (end + 1 < rest.n && rest.p[end + 1] != ':')
			return bad(e, text, "nothing but a port may follow the host");
		if (end + 1 < rest.n)
			digits = strv_n(rest.p + end + 2, rest.n - end - 2);
	} else {
		size_t colon = strv_chr(rest, ':');

		host = strv_n(rest.p, colon);
		if (colon < rest.n)
			digits = strv_n(rest.p + colon + 1, rest.n - colon - 1);
	}
	if (digits.p) {
		port = 0;
		for (size_t i = 0; i < digits.n; i++) {
			if (digits.p[i] < '0' || digits.p[i] > '9' || i > 4)
				return bad(e, text, "the port must be a number from 1 to 65535");
			port = port * 10 + (unsigned)(digits.p[i] - '0');
		}
		if (port == 0 || port > 65535)
			return bad(e, text, "the port must be a number from 1 to 65535");
	}
	*host_r = host;
	*port_r = port;
	return 0;
}

/* reliability.md T-30: only forms that mean loopback to every resolver; "127.1" or "localhost.example.com" do not. */
static bool
is_loopback(const char *host, bool v6)
{
	struct in6_addr six;
	struct in_addr four;

	if (v6)
		return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return str_caseeq(host, "localhost");
}

static int
parse_host(struct arena *a, const char *text, struct strv rest, unsigned port, struct uri *u, struct err *e)
{
	bool v6 = rest.n && rest.p[0] == '[';
	struct in6_addr six;
	struct strv host = {NULL, 0};

	if (rest.n && rest.p[rest.n - 1] == '/')
		rest.n--;
	if (split_port(text, rest, port, &host, &port, e))
		return -1;
	if (host.n == 0 || host.n > 253)
		return bad(e, text, "the host is missing or too long");
	u->host = arena_strndup(a, host.p, host.n);
	if (v6) {
		if (inet_pton(AF_INET6, u->host, &six) != 1)
			return bad(e, text, "the text in brackets is not an IPv6 address");
	} else {
		for (size_t i = 0; i < host.n; i++)
			if (!is_alnum(host.p[i]) && host.p[i] != '.' && host.p[i] != '-')
				return bad(e, text,
					   "only a host name or address and a port may follow the slashes (one URI per "
					   "list item, no DN)");
	}
	u->loopback = is_loopback(u->host, v6);
	u->text = arena_printf(a, v6 ? "%s[%s]:%u" : "%s%s:%u", schemes[u->scheme].prefix, u->host, port);
	return 0;
}

int
dir_uri_parse(struct arena *a, const char *text, struct uri *u_r, struct err *e)
{
	struct strv s = strv_of(text);

	for (size_t i = 0; s.p && i < ARRAY_SIZE(schemes); i++) {
		struct strv prefix = strv_of(schemes[i].prefix);
		struct strv rest;
		struct uri u = {.scheme = schemes[i].scheme};

		if (!strv_casestarts(s, prefix))
			continue;
		rest = strv_n(s.p + prefix.n, s.n - prefix.n);
		if (u.scheme == URI_LDAPI ? parse_path(a, text, rest, &u, e)
					  : parse_host(a, text, rest, schemes[i].port, &u, e))
			return -1;
		*u_r = u;
		return 0;
	}
	return bad(e, text ? text : "", "it must begin with ldaps://, ldap:// or ldapi://");
}

bool
dir_uri_local_peer(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >> 24 == 127;
	if (sa->sa_family == AF_INET6) {
		const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;

		return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
	}
	return sa->sa_family == AF_UNIX;
}
