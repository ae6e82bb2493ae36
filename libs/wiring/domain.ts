import { apiKeysPart } from '../api-keys/index.js';
import { assignmentsPart } from '../assignments/index.js';
import { auditPart } from '../audit-log/index.js';
import { installationPart } from '../installation/index.js';
import { importsPart } from '../membership-import/index.js';
import { parkingPart } from '../parking/index.js';
import type { SubjectKeys } from '../personal-data/index.js';
import { Domain } from '../projections/index.js';
import { requestsPart } from '../requests/index.js';
import { rolesPart } from '../roles/index.js';
import { serviceAccountsPart } from '../service-accounts/index.js';
import { tenantsPart } from '../tenants/index.js';
import { tokensPart } from '../tokens/index.js';
import { usersPart } from '../users/index.js';
import { verificationPart } from '../verification/index.js';
import { workspacesPart } from '../workspaces/index.js';

/** Every noun, read model and process of the product; without keys for what needs no personal fields. */
export function buildDomain(keys?: SubjectKeys): Domain {
  const parts = [
    installationPart,
    usersPart,
    tokensPart,
    // Before tenants: they close and delete what is theirs while a tenant is being deleted.
    requestsPart,
    serviceAccountsPart,
    apiKeysPart,
    rolesPart,
    tenantsPart,
    workspacesPart,
    assignmentsPart,
    auditPart,
    parkingPart,
    importsPart,
    verificationPart,
  ];
  return new Domain(parts, keys);
}
