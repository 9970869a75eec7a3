EXTRA_DIST += %D%/scim/enterprise.json %D%/scim/group.json %D%/scim/user.json

# All of it is in the program too; these copies are for slapd and for administrators.
schemadir = $(pkgdatadir)/ldap
dist_schema_DATA = %D%/ldap/dirhinge.ldif %D%/ldap/dirhinge.schema
mapdir = $(pkgdatadir)/map
dist_map_DATA = %D%/map/389ds.yaml %D%/map/active-directory.yaml %D%/map/openldap.yaml
