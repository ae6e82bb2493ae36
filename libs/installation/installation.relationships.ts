import { INSTALLATION } from '../edge/index.js';
import { none, type RelationshipMap, type Tuple } from '../outbox/index.js';
import type { InstallationEvent } from './installation.decider.js';

const source = 'direct';

function adminTuple(userId: string): Tuple {
  return { resource: INSTALLATION, relation: 'admin', subject: `user:${userId}` };
}

export const installationRelationships: RelationshipMap<InstallationEvent> = {
  'installation-initialised.v1': none,
  'system-admin-granted.v1': ({ data: { userId } }) => [{ want: adminTuple(userId), source }],
  'system-admin-ended.v1': ({ data: { userId } }) => [{ end: adminTuple(userId), source }],
};
