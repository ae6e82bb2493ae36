import { INSTALLATION } from '../edge/index.js';
import { none, type RelationshipMap, type Tuple } from '../outbox/index.js';
import { checkerKey, type CheckerSubject, type InstallationEvent } from './installation.decider.js';

const source = 'direct';

function adminTuple(userId: string): Tuple {
  return { resource: INSTALLATION, relation: 'admin', subject: `user:${userId}` };
}

function checkerTuple(subject: CheckerSubject): Tuple {
  return { resource: INSTALLATION, relation: 'checker', subject: checkerKey(subject) };
}

export const installationRelationships: RelationshipMap<InstallationEvent> = {
  'installation-initialised.v1': none,
  'system-admin-granted.v1': ({ data: { userId } }) => [{ want: adminTuple(userId), source }],
  'system-admin-ended.v1': ({ data: { userId } }) => [{ end: adminTuple(userId), source }],
  'system-checker-granted.v1': ({ data: { subject } }) => [{ want: checkerTuple(subject), source }],
  'system-checker-ended.v1': ({ data: { subject } }) => [{ end: checkerTuple(subject), source }],
};
