#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tour of dirhinge demo: each step sends what an identity provider sends, shows the answer, and looks into the directory with
# ldapsearch. The first thing that is not as it should be ends the tour with exit code 1.
# From the environment: DEMO_DIR (auth.header, events.header, bind.pw), DEMO_URL (SCIM base), DEMO_EVENTS (the feed), DEMO_LDAP (URI),
# DEMO_BIND_DN, DEMO_SELF (this program), DEMO_CONFIG.
set -u

people=ou=people,dc=example,dc=com
groups=ou=groups,dc=example,dc=com
answer=$DEMO_DIR/tour.answer
found=$DEMO_DIR/tour.found
password='correct horse battery'
step=0

bold= dim= green= red= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m') green=$(printf '\033[32m') red=$(printf '\033[31m') plain=$(printf '\033[0m')
fi

title() {
	step=$((step + 1))
	printf '\n%s%d. %s%s\n' "$bold" "$step" "$1" "$plain"
}

seen() {
	printf '   %sok%s  %s\n' "$green" "$plain" "$1"
}

fail() {
	printf '   %sFAILED%s  %s\n' "$red" "$plain" "$1"
	exit 1
}

# JSON, broken into lines behind commas
show_json() {
	sed 's/,"/, "/g; s/},{/}, {/g' | fold -s -w 118 | sed 's/^/     /'
	echo
}

# request METHOD PATH STATUS [BODY]: STATUS may be "200|204"
request() {
	printf '   %s>%s %s %s\n' "$dim" "$plain" "$1" "$2"
	if [ $# -gt 3 ]; then
		printf '%s' "$4" | show_json
		set -- "$1" "$2" "$3" --data-binary "$4"
	fi
	: >"$answer"
	method=$1 path=$2 wanted=$3
	shift 3
	status=$(curl -sS -g -m 30 -X "$method" -H @"$DEMO_DIR/auth.header" -H 'Content-Type: application/scim+json' \
		-o "$answer" -w '%{http_code}' "$@" "$DEMO_URL$path") || fail "curl could not reach $DEMO_URL$path"
	printf '   %s<%s %s\n' "$dim" "$plain" "$status"
	[ ! -s "$answer" ] || show_json <"$answer"
	printf '%s\n' "$status" | grep -Eqx "$wanted" || fail "expected status $wanted"
}

# answers REGEX WHAT: the last answer holds it
answers() {
	grep -Eq -- "$1" "$answer" || fail "the answer lacks: $2"
}

# entry BASE FILTER [ATTRIBUTE...]: what the directory holds
entry() {
	base=$1 filter=$2
	shift 2
	printf '   %sldapsearch -b %s "%s"%s\n' "$dim" "$base" "$filter" "$plain"
	ldapsearch -x -LLL -o ldif-wrap=no -H "$DEMO_LDAP" -D "$DEMO_BIND_DN" -y "$DEMO_DIR/bind.pw" -b "$base" "$filter" "$@" \
		>"$found" || fail "ldapsearch failed"
	sed -n 's/^..*/     &/p' "$found"
}

# holds REGEX WHAT / lacks REGEX WHAT: a line of what the last entry call printed
holds() {
	grep -Eiq -- "$1" "$found" || fail "not in the directory: $2"
	seen "$2"
}
lacks() {
	! grep -Eiq -- "$1" "$found" || fail "still in the directory: $2"
	seen "$2"
}

# bind DN: 0 if the password is accepted
bind() {
	printf '   %sldapwhoami -D %s%s\n' "$dim" "$1" "$plain"
	ldapwhoami -x -H "$DEMO_LDAP" -D "$1" -w "$password" >"$found" 2>&1
	rc=$?
	sed -n 's/^..*/     &/p' "$found"
	return $rc
}

# refused DN: the directory answers the bind with invalidCredentials
refused() {
	! bind "$1" || fail "a disabled user could bind"
	grep -q '(49)' "$found" || fail 'the bind failed for another reason'
	seen 'the bind is refused'
}

# events QUERY: a page of the feed, with the token of an application that may only read it
events() {
	curl -sS -g -m 30 -H @"$DEMO_DIR/events.header" -o "$answer" "$DEMO_EVENTS?$1" || fail "curl could not reach $DEMO_EVENTS"
	grep -q '"next_cursor":' "$answer" || fail "no page of events: $(cat "$answer")"
	cursor=$(sed 's/.*"next_cursor":"\([^"]*\)".*/\1/' "$answer")
}

# event TYPE REGEX WHAT: reads on from $cursor until such an event comes
event() {
	printf '   %s>%s GET /events?after=…&types=%s&wait=20\n' "$dim" "$plain" "$1"
	tries=0
	until grep -Eq -- "$2" "$answer"; do
		tries=$((tries + 1))
		[ $tries -le 5 ] || fail "no event came: $3"
		events "after=$cursor&types=$1&wait=20"
	done
	show_json <"$answer"
	seen "$3"
}

# user ACTIVE: the whole resource as Okta puts it
user() {
	printf '%s' '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],' \
		"\"id\":\"$id\",\"externalId\":\"701984\",\"userName\":\"bjensen\",\"displayName\":\"Barbara Jensen\"," \
		'"name":{"formatted":"Barbara Jensen","familyName":"Jensen","givenName":"Barbara"},"title":"Tour Guide",' \
		'"emails":[{"primary":true,"type":"work","value":"bjensen@example.com"}],"groups":[],' \
		'"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"701984","department":"Tour Operations"},' \
		"\"active\":$1}"
}

patch='"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]'

# the feed has to follow the directory first: what it finds there when it begins has no author
tries=0
until "$DEMO_SELF" sync status -c "$DEMO_CONFIG" | grep -Eq '^state +live'; do
	tries=$((tries + 1))
	[ $tries -le 100 ] || fail 'the change feed does not begin'
	events 'after=now&wait=1&types=dsync.user.deleted'
done

title 'Create a user as Entra ID does'
request POST /Users 201 '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"701984","userName":"bjensen","active":true,"displayName":"Barbara Jensen","emails":[{"primary":true,"type":"work","value":"bjensen@example.com"}],"meta":{"resourceType":"User"},"name":{"formatted":"Barbara Jensen","familyName":"Jensen","givenName":"Barbara"},"roles":[],"title":"Tour Guide","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"701984","department":"Tour Operations"}}'
id=$(grep -Eo '"id":"[0-9a-fA-F-]{36}"' "$answer" | head -n 1 | cut -d '"' -f 4)
[ -n "$id" ] || fail 'the answer has no id'
entry "$people" '(uid=bjensen)' '*' entryUUID
holds "^entryUUID: $id\$" 'the SCIM id is the entryUUID'
holds '^sn: Jensen$' 'name.familyName is sn'
holds '^mail: bjensen@example.com$' 'the work e-mail is mail'
holds '^employeeNumber: 701984$' 'the enterprise extension is kept'
holds '^dirhingeExternalId: demo:701984$' 'externalId is kept, for this client'

title 'Find it again by filter'
request GET '/Users?filter=userName%20eq%20%22BJENSEN%22' 200
answers '"totalResults":1[,}]' 'one result'
answers "\"id\":\"$id\"" 'the same id'
seen 'userName is matched without case, the id is the same'

title 'Set a password and bind with it'
request PATCH "/Users/$id?attributes=userName" 200 "{$patch,\"Operations\":[{\"op\":\"replace\",\"path\":\"password\",\"value\":\"$password\"}]}"
bind "uid=bjensen,$people" || fail 'the new password is not accepted'
seen 'the directory accepts the password'

title 'Disable the account as Okta does'
request PUT "/Users/$id" 200 "$(user false)"
answers '"active":false' 'active is false'
entry "$people" '(uid=bjensen)' pwdEndTime pwdAccountLockedTime
holds '^pwd(EndTime|AccountLockedTime): ' 'the directory itself holds the lock'
refused "uid=bjensen,$people"

title 'Enable it again'
request PUT "/Users/$id" 200 "$(user true)"
answers '"active":true' 'active is true'
bind "uid=bjensen,$people" || fail 'the user cannot bind again'
seen 'the bind is accepted, with the same password'

title 'Create a group'
request POST /Groups 201 '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Tour Guides"}'
group=$(grep -Eo '"id":"[0-9a-fA-F-]{36}"' "$answer" | head -n 1 | cut -d '"' -f 4)
[ -n "$group" ] || fail 'the answer has no id'
entry "$groups" '(cn=Tour Guides)' '*' entryUUID
holds "^entryUUID: $group\$" 'the group is there under its id'

title 'Add the user to the group'
request PATCH "/Groups/$group" '200|204' "{$patch,\"Operations\":[{\"op\":\"Add\",\"path\":\"members\",\"value\":[{\"value\":\"$id\"}]}]}"
entry "$groups" '(cn=Tour Guides)' member
holds "^member: uid=bjensen,$people\$" 'the group has the member'
lacks '^member:: *$|^member: *$' 'the placeholder of the empty group is gone'

title 'Rename the user'
request PATCH "/Users/$id" '200|204' "{$patch,\"Operations\":[{\"op\":\"Replace\",\"path\":\"userName\",\"value\":\"barbara.jensen\"}]}"
entry "$people" "(entryUUID=$id)" uid entryUUID
holds "^dn: uid=barbara.jensen,$people\$" 'the entry has its new name and the old id'
entry "$groups" '(cn=Tour Guides)' member
holds "^member: uid=barbara.jensen,$people\$" 'the membership followed'
lacks '^member: uid=bjensen,' 'the old name is gone from the group'

title 'Change the entry with ldapmodify, and read the event'
events 'after=now'
printf '   %sldapmodify: replace title%s\n' "$dim" "$plain"
printf 'dn: uid=barbara.jensen,%s\nchangetype: modify\nreplace: title\ntitle: Head Guide\n' "$people" |
	ldapmodify -x -H "$DEMO_LDAP" -D "$DEMO_BIND_DN" -y "$DEMO_DIR/bind.pw" >"$found" 2>&1 || fail "$(cat "$found")"
event dsync.user.updated '"changed":\["title"\].*"previous":\{"title":"Tour Guide"\}' 'a change that no gateway made is an event, with what was there before'
answers "\"subject\":\{\"type\":\"User\",\"id\":\"$id\"" 'the same id as in SCIM'

title 'Delete the user, then the group'
request DELETE "/Users/$id" 204
entry "$people" "(|(entryUUID=$id)(uid=barbara.jensen))" 1.1
lacks '^dn:' 'the entry is gone'
entry "$groups" '(cn=Tour Guides)' member
lacks '^member: uid=' 'no dangling member is left'
request GET "/Users/$id" 404
request DELETE "/Groups/$group" 204
entry "$groups" '(cn=Tour Guides)' 1.1
lacks '^dn:' 'the group is gone'

title 'What an application that reads the feed was told'
tries=0
until "$DEMO_SELF" events tail -c "$DEMO_CONFIG" >"$found" && grep -q 'group.deleted' "$found"; do
	tries=$((tries + 1))
	[ $tries -le 5 ] || fail 'the deletions did not come out as events'
	events "after=$cursor&wait=5"
done
sed 's/^/     /' "$found"
holds 'user.created +bjensen .*demo \(scim\)' 'who did it: the client of the gateway'
holds 'user.deactivated +bjensen' 'the lock'
holds 'user_added +Tour Guides +[+] bjensen' 'the membership'
holds 'user.deleted +barbara.jensen' 'the end'

printf '\n%sAll %d steps were seen in the directory.%s\n' "$bold" "$step" "$plain"
