/* SPDX-License-Identifier: Apache-2.0
 * A client that sends exactly the bytes it is given and waits with a deadline. Failures end the test. */
#ifndef DIRHINGE_TESTS_HTTP_CLIENT_H
#define DIRHINGE_TESTS_HTTP_CLIENT_H

#include "dirhinge/base/buf.h"
#include "dirhinge/base/json.h"

#define CLIENT_WAIT_MS 10000

struct client {
	int fd;
	struct buf in; /* received, not consumed */
};

struct answer {
	struct arena *a;
	int status;
	const char *head; /* status line and header fields */
	struct strv body;
	json_t *json; /* NULL if the body is not JSON */
};

/* "127.0.0.1:8080" or "unix:/path". */
void client_connect(struct client *c, const char *address);
void client_close(struct client *c);
void client_send(struct client *c, const char *bytes, size_t n);
/* Sends a request with Host and, if token is not NULL, Authorization. fields: more lines, each ended by CRLF, or "".
 * body NULL: none, else with Content-Length. */
void client_request(struct client *c, const char *method, const char *target, const char *token, const char *fields,
		    const char *body);
/* The next answer; one that has no body by its request (HEAD) or status is known from no_body. */
void client_answer(struct client *c, struct arena *a, bool no_body, struct answer *r);
/* Reads on until text is among the bytes that no answer has consumed, and returns all up to its end; in the arena. For
 * replies without end. */
const char *client_await(struct client *c, struct arena *a, const char *text);
/* Waits for the end of the connection; true if nothing else came before it. */
bool client_at_end(struct client *c);
/* True if no byte and no end comes for ms. */
bool client_silent(struct client *c, int64_t ms);
/* NULL if absent. */
const char *answer_field(const struct answer *r, const char *name);
/* A member of the JSON body as text; "" if absent or no string. */
const char *answer_text(const struct answer *r, const char *name);
/* Checks that it is a SCIM error of this status and returns its detail (RFC 7644 3.12). */
const char *answer_error(const struct answer *r, int status);

#endif
