import type { EventMap } from '../event-store/index.js';
import { readModel, type RowChange } from '../projections/index.js';
import type { InstallationEvent, SystemCheckerEnded, SystemCheckerGranted } from './installation.decider.js';

const table = 'system_admin';

const changes = {
  'installation-initialised.v1': () => [],
  'system-admin-granted.v1': ({ data: { userId, at } }) => [{ table, put: { user_id: userId, since: at } }],
  'system-admin-ended.v1': ({ data: { userId } }) => [{ table, remove: { user_id: userId } }],
  'system-checker-granted.v1': () => [],
  'system-checker-ended.v1': () => [],
} satisfies EventMap<InstallationEvent, readonly RowChange[]>;

export const systemAdminsModel = readModel({
  name: 'system-admins',
  version: 1,
  tables: [{ name: table, key: ['user_id'], columns: { user_id: 'text', since: 'timestamptz' } }],
  changes,
});

const checkers = 'system_checker';

const checkerChanges = {
  'system-checker-granted.v1': ({ data: { subject, at, revision } }) => [
    { table: checkers, put: { subject_type: subject.type, subject_id: subject.id, since: at, revision } },
  ],
  'system-checker-ended.v1': ({ data: { subject } }) => [
    { table: checkers, remove: { subject_type: subject.type, subject_id: subject.id } },
  ],
} satisfies EventMap<SystemCheckerGranted | SystemCheckerEnded, readonly RowChange[]>;

export const systemCheckersModel = readModel({
  name: 'system-checkers',
  version: 1,
  tables: [
    {
      name: checkers,
      key: ['subject_type', 'subject_id'],
      columns: { subject_type: 'text', subject_id: 'text', since: 'timestamptz', revision: 'integer' },
    },
  ],
  changes: checkerChanges,
});
