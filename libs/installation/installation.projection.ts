import type { EventMap } from '../event-store/index.js';
import { readModel, type RowChange } from '../projections/index.js';
import type { InstallationEvent } from './installation.decider.js';

const table = 'system_admin';

const changes = {
  'installation-initialised.v1': () => [],
  'system-admin-granted.v1': ({ data: { userId, at } }) => [{ table, put: { user_id: userId, since: at } }],
  'system-admin-ended.v1': ({ data: { userId } }) => [{ table, remove: { user_id: userId } }],
} satisfies EventMap<InstallationEvent, readonly RowChange[]>;

export const systemAdminsModel = readModel({
  name: 'system-admins',
  version: 1,
  tables: [{ name: table, key: ['user_id'], columns: { user_id: 'text', since: 'timestamptz' } }],
  changes,
});
