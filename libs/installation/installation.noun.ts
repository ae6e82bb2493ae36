import { noun } from '../projections/index.js';
import { installationAudit } from './installation.audit.js';
import type { InstallationEvent } from './installation.decider.js';
import { installationRelationships } from './installation.relationships.js';

export const installationNoun = noun<InstallationEvent>({
  name: 'installation',
  types: {
    'installation-initialised.v1': 'The first start decided on the administrator and the default tenant.',
    'system-admin-granted.v1': 'A user became a system admin.',
    'system-admin-ended.v1': 'A user who was deactivated is no system admin any more.',
    'system-checker-granted.v1': 'A user or service account may ask what others may do, in every tenant.',
    'system-checker-ended.v1': 'A user or service account may not ask what others may do any more.',
  },
  relationships: installationRelationships,
  audit: installationAudit,
});
