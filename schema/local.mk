EXTRA_DIST += %D%/scim/enterprise.json %D%/scim/group.json %D%/scim/user.json

# All of it is in the program too; these copies are for slapd and for administrators.
schemadir = $(pkgdatadir)/ldap
dist_schema_DATA = %D%/ldap/dirhinge.ldif %D%/ldap/dirhinge.schema
mapdir = $(pkgdatadir)/map
dist_map_DATA = %D%/map/389ds.yaml %D%/map/active-directory.yaml %D%/map/openldap.yaml

# The same schema as 389 Directory Server reads it from its schema directory.
nodist_schema_DATA = %D%/ldap/99dirhinge.ldif
%D%/ldap/99dirhinge.ldif: $(srcdir)/%D%/ldap/dirhinge.ldif
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed -e '/^# Use:/s/.*/# Use: copy it to the schema directory of the instance and restart it, or dsconf INSTANCE schema reload./' \
		-e 's/^dn: .*/dn: cn=schema/' -e '/^objectClass: /d' -e '/^cn: /d' -e 's/^olcAttributeTypes:/attributeTypes:/' \
		-e 's/^olcObjectClasses:/objectClasses:/' $(srcdir)/%D%/ldap/dirhinge.ldif >$@.tmp && mv -f $@.tmp $@
CLEANFILES += %D%/ldap/99dirhinge.ldif %D%/ldap/99dirhinge.ldif.tmp
