import type { EventMap } from '../event-store/index.js';
import { readModel, type RowChange } from '../projections/index.js';
import type { UserEvent } from './user.decider.js';

const table = 'app_user';
const COLUMN = { displayName: 'display_name', email: 'email' } as const;

const changes = {
  'user-registered.v1': ({ data: { userId: id, issuer, subject, builtIn, at }, personal }) => {
    const profile = { display_name: personal?.displayName ?? null, email: personal?.email ?? null };
    const identity = { issuer, external_subject: subject };
    const times = { created_at: at, updated_at: at, revision: 1 };
    return [
      { table, put: { id, ...profile, ...identity, active: true, status: 'active', built_in: builtIn, ...times } },
    ];
  },
  'user-profile-changed.v1': ({ data: { userId: id, fields, at, revision }, personal }) => {
    const profile = Object.fromEntries(fields.map((field) => [COLUMN[field], personal?.[field] ?? null]));
    return [{ table, key: { id }, patch: { ...profile, updated_at: at, revision } }];
  },
  'user-deactivated.v1': ({ data: { userId: id, at, revision } }) => [
    { table, key: { id }, patch: { active: false, status: 'deactivated', updated_at: at, revision } },
  ],
  'user-suspended.v1': ({ data: { userId: id, at, revision } }) => [
    { table, key: { id }, patch: { active: false, status: 'suspended', updated_at: at, revision } },
  ],
  'user-reinstated.v1': ({ data: { userId: id, at, revision } }) => [
    { table, key: { id }, patch: { active: true, status: 'active', updated_at: at, revision } },
  ],
  'user-erased.v1': ({ data: { userId: id, at, revision } }) => [
    { table, key: { id }, patch: { display_name: null, email: null, updated_at: at, revision } },
  ],
  'user-access-withdrawn.v1': () => [],
  'user-access-restored.v1': () => [],
} satisfies EventMap<UserEvent, readonly RowChange[]>;

export const usersModel = readModel({
  name: 'users',
  version: 2,
  tables: [
    {
      name: table,
      key: ['id'],
      columns: {
        id: 'text',
        display_name: 'text',
        email: 'text',
        issuer: 'text',
        external_subject: 'text',
        active: 'boolean',
        status: 'text',
        built_in: 'boolean',
        created_at: 'timestamptz',
        updated_at: 'timestamptz',
        revision: 'integer',
      },
    },
  ],
  changes,
});
