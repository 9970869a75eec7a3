EXTRA_DIST += %D%/scim %D%/map %D%/ldap
