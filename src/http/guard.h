/* SPDX-License-Identifier: Apache-2.0
 * Refuses what two HTTP implementations could read differently (reliability.md T-14), and picks out of the header block
 * what the rest of the module wants to know. Thread rule: no state. */
#ifndef DIRHINGE_HTTP_GUARD_H
#define DIRHINGE_HTTP_GUARD_H

#include "dirhinge/base/arena.h"
#include "dirhinge/base/err.h"
#include "dirhinge/base/strv.h"

#define GUARD_FIELDS_MAX 64

struct header_field {
	struct strv name, value;
};

/* p NULL = absent. Fields that may be repeated are joined with ", ". */
struct header_facts {
	struct strv host, authorization, content_type, content_encoding, accept, if_match, if_none_match, request_id,
		expect, last_event_id;
	int64_t content_length; /* -1 = not given */
	bool chunked;
};

/* ERR_REQUEST; the connection must be closed then, for nobody knows where the next request begins. */
int http_guard_check(struct arena *a, const char *version, const struct header_field *fields, size_t n,
		     struct header_facts *facts_r, struct err *e) DH_MUST_USE;

/* reg-name, IPv4 or [IPv6], optional port: what may appear in a location. */
bool http_guard_host_valid(struct strv host);

#endif
