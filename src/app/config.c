/* SPDX-License-Identifier: Apache-2.0
 * The one option table: a new option is one row here (and a field of struct config). */
#include "app/config_rows.h"

#define C(field)     offsetof(struct config, field)
#define CL(field)    offsetof(struct config_client, field)
#define CW(field)    offsetof(struct config_webhook, field)
#define CS(field)    offsetof(struct config_stream, field)
#define GROUP(table) .kind = CONF_GROUP, .rows = (table), .n_rows = ARRAY_SIZE(table)

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

static const char *const flavours[] = {"auto", "openldap", "active-directory", "389ds", NULL};
static const char *const sasl_mechanisms[] = {"external", NULL};
const char *const config_event_types[] = {
	"dsync.user.created",
	"dsync.user.updated",
	"dsync.user.deleted",
	"dsync.user.activated",
	"dsync.user.deactivated",
	"dsync.group.created",
	"dsync.group.updated",
	"dsync.group.deleted",
	"dsync.group.user_added",
	"dsync.group.user_removed",
	NULL,
};

static const struct conf_row tls_rows[] = {
	{.name = "certificate_file",
	 .kind = CONF_STRING,
	 .offset = C(tls_cert_file),
	 .help = "PEM file with the server's certificate and its chain; turns HTTPS on."},
	{.name = "key_file",
	 .kind = CONF_STRING,
	 .offset = C(tls_key_file),
	 .help = "PEM file with the private key, readable by its owner only."},
	{.name = "client_ca_file",
	 .kind = CONF_STRING,
	 .offset = C(tls_client_ca_file),
	 .help = "PEM file with the authorities whose client certificates are asked for and accepted."},
};

static const struct conf_row server_rows[] = {
	{.name = "listen",
	 .kind = CONF_STRING,
	 .offset = C(listen),
	 .def = "127.0.0.1:8080",
	 .help = "Address of the SCIM service: host:port, [v6]:port or unix:/path; port 0 takes a free one."},
	{.name = "base_path",
	 .kind = CONF_STRING,
	 .offset = C(base_path),
	 .def = "/scim/v2",
	 .help = "Path in front of /Users, /Groups and the other SCIM endpoints."},
	{.name = "external_url",
	 .kind = CONF_STRING,
	 .offset = C(external_url),
	 .help = "Scheme and host that clients use, for meta.location behind a proxy; else the Host header is used."},
	{.name = "tls", GROUP(tls_rows), .help = "TLS of the SCIM service; without it the service speaks plain HTTP."},
	{.name = "max_in_flight",
	 .kind = CONF_INT,
	 .offset = C(max_in_flight),
	 .def = "64",
	 .min = 1,
	 .max = 4096,
	 .help = "Requests worked on at the same time; above it the answer is 503 with Retry-After."},
};

static const struct conf_row admin_rows[] = {
	{.name = "listen",
	 .kind = CONF_STRING,
	 .offset = C(admin_listen),
	 .def = "127.0.0.1:8081",
	 .help = "Address of the operators' listener (/metrics, /livez, /readyz), written like server.listen; none "
		 "opens none."},
};

static const struct conf_row directory_rows[] = {
	{.name = "flavour",
	 .kind = CONF_STRING,
	 .offset = C(flavour),
	 .def = "auto",
	 .choices = flavours,
	 .help = "The product; auto asks the rootDSE."},
	{.name = "uris",
	 .kind = CONF_STRINGS,
	 .offset = C(uris),
	 .required = true,
	 .help = "ldaps://, ldap:// or ldapi:// URIs, tried in this order; all must lead to the same data."},
	{.name = "bind_dn",
	 .kind = CONF_STRING,
	 .offset = C(bind_dn),
	 .help = "Entry the gateway binds as; with bind_password_file."},
	{.name = "bind_password_file",
	 .kind = CONF_STRING,
	 .offset = C(bind_password_file),
	 .help = "File with the password of bind_dn, readable by its owner only."},
	{.name = "sasl",
	 .kind = CONF_STRING,
	 .offset = C(sasl),
	 .choices = sasl_mechanisms,
	 .help = "external: the identity of the Unix socket's peer; instead of bind_dn."},
	{.name = "start_tls",
	 .kind = CONF_BOOL,
	 .offset = C(start_tls),
	 .def = "false",
	 .help = "Upgrade ldap:// connections to TLS before anything else is sent."},
	{.name = "ca_file",
	 .kind = CONF_STRING,
	 .offset = C(ca_file),
	 .help = "PEM file with the authorities that may certify the directory; else the system's."},
	{.name = "allow_plaintext",
	 .kind = CONF_BOOL,
	 .offset = C(allow_plaintext),
	 .def = "false",
	 .help = "Permit ldap:// without TLS to another host: passwords and personal data are then readable on the "
		 "way."},
	{.name = "pool_size",
	 .kind = CONF_INT,
	 .offset = C(pool_size),
	 .def = "16",
	 .min = 1,
	 .max = 512,
	 .help = "Most connections to the directory at the same time."},
	{.name = "timeout",
	 .kind = CONF_DURATION,
	 .offset = C(timeout_ms),
	 .def = "10s",
	 .min = 100,
	 .max = 20000,
	 .help = "Longest time for one request on the directory side, connection set-up included."},
};

static const struct conf_row user_rows[] = {
	{.name = "base",
	 .kind = CONF_STRING,
	 .offset = C(user_base),
	 .required = true,
	 .help = "Entry below which users are looked for and created."},
	{.name = "rdn",
	 .kind = CONF_STRING,
	 .offset = C(user_rdn),
	 .def = "uid",
	 .help = "Attribute that names new users."},
	{.name = "object_classes",
	 .kind = CONF_STRINGS,
	 .offset = C(user_classes),
	 .def = "inetOrgPerson",
	 .help = "Object classes of new users, the structural one included."},
	{.name = "active",
	 .kind = CONF_STRING,
	 .offset = C(user_active),
	 .def = "auto",
	 .help = "How active:false is kept in the directory; auto takes the first that its schema allows."},
	{.name = "delete",
	 .kind = CONF_NODE,
	 .offset = C(user_delete_node),
	 .help = "What DELETE does: hard, disable, or { move: DN } to keep leavers below another entry."},
	{.name = "map",
	 .kind = CONF_STRING,
	 .offset = C(user_map_file),
	 .help = "YAML file with rows that override the built-in attribute map, and with extension schemas."},
};

static const struct conf_row group_rows[] = {
	{.name = "base",
	 .kind = CONF_STRING,
	 .offset = C(group_base),
	 .required = true,
	 .help = "Entry below which groups are looked for and created."},
	{.name = "rdn",
	 .kind = CONF_STRING,
	 .offset = C(group_rdn),
	 .def = "cn",
	 .help = "Attribute that names new groups."},
	{.name = "object_classes",
	 .kind = CONF_STRINGS,
	 .offset = C(group_classes),
	 .def = "groupOfNames",
	 .help = "Object classes of new groups, the structural one included."},
	{.name = "member_attribute",
	 .kind = CONF_STRING,
	 .offset = C(group_member),
	 .def = "member",
	 .help = "Attribute with the DNs of the members."},
	{.name = "map", .kind = CONF_STRING, .offset = C(group_map_file), .help = "The same as users.map, for groups."},
};

static const struct conf_row guard_rows[] = {
	{.name = "max_removals",
	 .kind = CONF_INT,
	 .offset = C(guard_max_removals),
	 .def = "50",
	 .min = 1,
	 .max = 1000000,
	 .help = "Removals within the window that pass without an operator."},
	{.name = "max_percent",
	 .kind = CONF_INT,
	 .offset = C(guard_max_percent),
	 .def = "5",
	 .min = 0,
	 .max = 100,
	 .help = "The same as a share of all entries; the larger of the two counts."},
	{.name = "window",
	 .kind = CONF_DURATION,
	 .offset = C(guard_window_ms),
	 .def = "60m",
	 .min = MINUTE_MS,
	 .max = 7 * DAY_MS,
	 .help = "Time over which removals are counted."},
};

static const struct conf_row set_rows[] = {
	{.name = "issuer",
	 .kind = CONF_STRING,
	 .offset = C(set_issuer),
	 .help = "The iss claim of security event tokens: an https URL."},
	{.name = "key_file",
	 .kind = CONF_STRING,
	 .offset = C(set_key_file),
	 .help = "PEM file with the signing key, readable by its owner only."},
	{.name = "push",
	 .kind = CONF_NODE,
	 .offset = C(push_node),
	 .help = "Receivers that tokens are sent to (RFC 8935)."},
	{.name = "poll", .kind = CONF_NODE, .offset = C(poll_node), .help = "Streams that receivers fetch (RFC 8936)."},
};

static const struct conf_row event_rows[] = {
	{.name = "retention",
	 .kind = CONF_DURATION,
	 .offset = C(retention_ms),
	 .def = "30d",
	 .min = HOUR_MS,
	 .max = 3650 * DAY_MS,
	 .help = "How long events can be read again."},
	{.name = "guard",
	 GROUP(guard_rows),
	 .help = "Removals above the limits are held until an operator releases them."},
	{.name = "webhooks",
	 .kind = CONF_NODE,
	 .offset = C(webhooks_node),
	 .help = "Receivers of signed HTTP requests."},
	{.name = "sets", GROUP(set_rows), .help = "Security event tokens (RFC 8417, RFC 9967)."},
};

static const struct conf_row top_rows[] = {
	{.name = "server", GROUP(server_rows), .help = "The SCIM service."},
	{.name = "admin", GROUP(admin_rows), .help = "The operators' listener."},
	{.name = "state_dir",
	 .kind = CONF_STRING,
	 .offset = C(state_dir),
	 .def = "/var/lib/dirhinge",
	 .help = "Directory for what the gateway keeps itself."},
	{.name = "directory", GROUP(directory_rows), .required = true, .help = "The LDAP directory."},
	{.name = "users", GROUP(user_rows), .required = true, .help = "Where and how users are kept."},
	{.name = "groups", GROUP(group_rows), .required = true, .help = "Where and how groups are kept."},
	{.name = "clients", .kind = CONF_NODE, .offset = C(clients_node), .help = "Who may call, with which token."},
	{.name = "events", GROUP(event_rows), .help = "The change feed and its receivers."},
};
const struct config_rows config_top = {top_rows, ARRAY_SIZE(top_rows)};

static const struct conf_row fence_rows[] = {
	{.name = "bases",
	 .kind = CONF_STRINGS,
	 .offset = CL(fence_bases),
	 .help = "Only entries below these are visible to the client."},
	{.name = "deletes_per_hour",
	 .kind = CONF_INT,
	 .offset = CL(deletes_per_hour),
	 .def = "0",
	 .min = 0,
	 .max = 1000000,
	 .help = "Deletes and disables within an hour; above it 429. 0 is no limit."},
};

static const struct conf_row client_rows[] = {
	{.name = "name",
	 .kind = CONF_STRING,
	 .offset = CL(name),
	 .required = true,
	 .help = "Name in logs and audit, and owner of its externalId values: letters, digits, dot, dash, underscore."},
	{.name = "profile",
	 .kind = CONF_STRING,
	 .offset = CL(profile),
	 .def = "lenient",
	 .choices = policy_profile_names,
	 .help = "Which deviations from the RFC are tolerated."},
	{.name = "token_file",
	 .kind = CONF_STRING,
	 .offset = CL(token_file),
	 .help = "File with the bearer token, readable by its owner only; or token_sha256."},
	{.name = "token_sha256",
	 .kind = CONF_STRING,
	 .offset = CL(token_sha256),
	 .help = "SHA-256 of the bearer token, 64 hex digits; or token_file."},
	{.name = "scopes",
	 .kind = CONF_STRINGS,
	 .offset = CL(scopes),
	 .required = true,
	 .help = "What the client may do; write includes read."},
	{.name = "fences", GROUP(fence_rows), .help = "Limits of what the client can reach."},
};

static const struct conf_row webhook_rows[] = {
	{.name = "name", .kind = CONF_STRING, .offset = CW(name), .required = true, .help = "Name of the receiver."},
	{.name = "url",
	 .kind = CONF_STRING,
	 .offset = CW(url),
	 .required = true,
	 .help = "Where events are posted to; https unless allow_addresses permits the host."},
	{.name = "secret_file",
	 .kind = CONF_STRING,
	 .offset = CW(secret_file),
	 .required = true,
	 .help = "File with the key of the signature, readable by its owner only."},
	{.name = "allow_addresses",
	 .kind = CONF_STRINGS,
	 .offset = CW(allow_addresses),
	 .help = "Private or loopback networks (CIDR) that this receiver may live in."},
	{.name = "types", .kind = CONF_STRINGS, .offset = CW(types), .help = "Event types to send; all if left out."},
	{.name = "filter",
	 .kind = CONF_STRING,
	 .offset = CW(filter),
	 .help = "SCIM filter on the resource; events that do not match are not sent."},
};

static const struct conf_row push_rows[] = {
	{.name = "name", .kind = CONF_STRING, .offset = CS(name), .required = true, .help = "Name of the stream."},
	{.name = "url",
	 .kind = CONF_STRING,
	 .offset = CS(url),
	 .required = true,
	 .help = "The receiver's push endpoint (https)."},
	{.name = "audience",
	 .kind = CONF_STRING,
	 .offset = CS(audience),
	 .required = true,
	 .help = "The aud claim of its tokens."},
	{.name = "token_file",
	 .kind = CONF_STRING,
	 .offset = CS(token_file),
	 .help = "File with the bearer token for the receiver, readable by its owner only."},
	{.name = "types", .kind = CONF_STRINGS, .offset = CS(types), .help = "Event types to send; all if left out."},
};

static const struct conf_row poll_rows[] = {
	{.name = "name",
	 .kind = CONF_STRING,
	 .offset = CS(name),
	 .required = true,
	 .help = "Name of the stream: the last part of /sets/poll/NAME."},
	{.name = "audience",
	 .kind = CONF_STRING,
	 .offset = CS(audience),
	 .required = true,
	 .help = "The aud claim of its tokens."},
	{.name = "types", .kind = CONF_STRINGS, .offset = CS(types), .help = "Event types to send; all if left out."},
};

#define LIST(text, node, list, type, table)                                                                       \
	{                                                                                                         \
		.path = (text), .node_offset = C(node), .list_offset = C(list), .item_size = sizeof(struct type), \
		.name_offset = offsetof(struct type, name), .rows = {(table), ARRAY_SIZE(table)},                 \
	}
const struct config_list_spec config_lists[] = {
	LIST("clients", clients_node, clients, config_client, client_rows),
	LIST("events.webhooks", webhooks_node, webhooks, config_webhook, webhook_rows),
	LIST("events.sets.push", push_node, push, config_stream, push_rows),
	LIST("events.sets.poll", poll_node, poll, config_stream, poll_rows),
};
const size_t config_n_lists = ARRAY_SIZE(config_lists);
