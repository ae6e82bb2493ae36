const PERMISSIONS = '/authzed.api.v1.PermissionsService';
const SCHEMA = '/authzed.api.v1.SchemaService';
const EXPERIMENTAL = '/authzed.api.v1.ExperimentalService';

/** Unary methods and the function of the library that answers each. */
export const UNARY_METHODS: Record<string, string> = {
  [`${PERMISSIONS}/CheckPermission`]: 'spicedb_permissions_check_permission',
  [`${PERMISSIONS}/CheckBulkPermissions`]: 'spicedb_permissions_check_bulk_permissions',
  [`${PERMISSIONS}/WriteRelationships`]: 'spicedb_permissions_write_relationships',
  [`${PERMISSIONS}/DeleteRelationships`]: 'spicedb_permissions_delete_relationships',
  [`${PERMISSIONS}/ExpandPermissionTree`]: 'spicedb_permissions_expand_permission_tree',
  [`${SCHEMA}/ReadSchema`]: 'spicedb_schema_read_schema',
  [`${SCHEMA}/WriteSchema`]: 'spicedb_schema_write_schema',
};

/** Methods with a stream of answers, served by the library's own socket. */
export const STREAMING_METHODS: string[] = [
  `${PERMISSIONS}/ReadRelationships`,
  `${PERMISSIONS}/LookupResources`,
  `${PERMISSIONS}/LookupSubjects`,
  '/authzed.api.v1.WatchService/Watch',
];

/** What a SpiceDB server has and the library doesn't. */
export const MISSING_METHODS: string[] = [
  `${PERMISSIONS}/ImportBulkRelationships`,
  `${PERMISSIONS}/ExportBulkRelationships`,
  `${SCHEMA}/ReflectSchema`,
  `${SCHEMA}/ComputablePermissions`,
  `${SCHEMA}/DependentRelations`,
  `${SCHEMA}/DiffSchema`,
  `${EXPERIMENTAL}/BulkImportRelationships`,
  `${EXPERIMENTAL}/BulkExportRelationships`,
  `${EXPERIMENTAL}/BulkCheckPermission`,
  `${EXPERIMENTAL}/ExperimentalReflectSchema`,
  `${EXPERIMENTAL}/ExperimentalComputablePermissions`,
  `${EXPERIMENTAL}/ExperimentalDependentRelations`,
  `${EXPERIMENTAL}/ExperimentalDiffSchema`,
  `${EXPERIMENTAL}/ExperimentalRegisterRelationshipCounter`,
  `${EXPERIMENTAL}/ExperimentalCountRelationships`,
  `${EXPERIMENTAL}/ExperimentalUnregisterRelationshipCounter`,
];

export const HEALTH_CHECK = '/grpc.health.v1.Health/Check';
