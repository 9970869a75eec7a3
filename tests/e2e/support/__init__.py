# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests stand on: a private slapd, the daemon, an HTTP client and the LDAP command-line tools."""
