/* SPDX-License-Identifier: Apache-2.0
 * dirhinge token: makes a bearer token. It goes to standard output only; nothing keeps it. */
#include <stdio.h>

#include "app/cli.h"
#include "app/config.h"
#include "app/token.h"
#include "dirhinge/base/codec.h"
#include "dirhinge/base/secret.h"
#include "dirhinge/crypto/hash.h"

#define TOKEN_RANDOM_BYTES 32

char *
token_make(struct arena *a)
{
	unsigned char raw[TOKEN_RANDOM_BYTES];

	crypto_random(raw, sizeof(raw));
	char *text = base64url_encode(a, strv_n((const char *)raw, sizeof(raw)));
	secret_wipe(raw, sizeof(raw));
	/* The prefix lets secret scanners and people recognise a token that got lost. */
	char *token = arena_printf(a, "dh_%s", text);
	secret_wipe(text, strlen(text));
	return token;
}

char *
token_hash(struct arena *a, const char *token)
{
	unsigned char hash[SHA256_SIZE];

	crypto_sha256(strv_of(token), hash);
	return hex_encode(a, strv_n((const char *)hash, sizeof(hash)));
}

static void
print_table(const struct cli_args *args, const char *token, const char *hash)
{
	printf("token:  %s\nsha256: %s\n\n"
	       "The token is shown this once: give it to the identity provider. Add below \"clients:\" in\n"
	       "%s, then reload (kill -HUP):\n\n"
	       "  - name: %s\n    token_sha256: %s\n    scopes: [users:write, groups:write]\n",
	       token, hash, args->config_file, args->client, hash);
}

int
token_run(const struct cli_args *args)
{
	DH_CLEANUP(arena_free) struct arena *a = arena_new(4096);
	int rc;

	if (!args->client || !config_name_valid(args->client)) {
		fprintf(stderr, "dirhinge: %s\nTry: dirhinge token --help\n",
			args->client ? "--client: use 1 to 64 letters, digits, dots, dashes, underscores"
				     : "--client NAME is missing");
		return CLI_USAGE;
	}
	char *token = token_make(a);
	const char *hash = token_hash(a, token);
	if (args->output == CLI_JSON) {
		rc = cli_print_json(
			json_pack("{s:s, s:s, s:s}", "client", args->client, "token", token, "token_sha256", hash));
	} else {
		print_table(args, token, hash);
		rc = cli_flush();
	}
	secret_wipe(token, strlen(token));
	return rc;
}
