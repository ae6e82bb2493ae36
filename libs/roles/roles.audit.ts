import type { AuditMap } from '../audit-log/index.js';
import type { RoleContent, RoleEvent } from './role.decider.js';
import type { RoleNameEvent } from './role-name.decider.js';
import { spelledIn, writeWritten } from './written-permissions.js';

const resource = ({ roleId: id }: { roleId: string }) => ({ type: 'role', id });

function content({ name, description, requestable, permissions }: RoleContent) {
  return { name, description, requestable, permissions };
}

/** Only what changed; of permissions that are merely written differently, how. */
function changed({ spelledAs, ...change }: Partial<RoleContent>, from: Partial<RoleContent>) {
  if (Object.keys(change).length > 0 || !spelledAs) return change;
  return { permissions: writeWritten({ permissions: spelledIn(spelledAs, from.spelledAs), spelledAs }) };
}

export const rolesAudit: AuditMap<RoleEvent> = {
  'role-created.v1': ({ data }) => ({ action: 'role.created', resource: resource(data), new: content(data) }),
  'role-changed.v1': ({ data }) => ({
    action: 'role.changed',
    resource: resource(data),
    old: changed(data.from, data.to),
    new: changed(data.to, data.from),
  }),
  'role-deletion-started.v1': ({ data }) => ({
    action: 'role.deletion-started',
    resource: resource(data),
    old: { name: data.name },
  }),
  'role-deletion-stopped.v1': ({ data }) => ({
    action: 'role.deletion-stopped',
    resource: resource(data),
    new: { name: data.name, reason: 'in-use' },
  }),
  'role-deleted.v1': ({ data }) => ({
    action: 'role.deleted',
    resource: resource(data),
    old: content(data),
    new: { reason: data.reason },
  }),
};

export const roleNamesAudit: AuditMap<RoleNameEvent> = {
  'role-name-claimed.v1': ({ data }) => ({
    action: 'role-name.claimed',
    resource: resource(data),
    new: { name: data.name, for: data.claim.for },
  }),
  'role-name-released.v1': ({ data }) => ({
    action: 'role-name.released',
    resource: resource(data),
    old: { name: data.name },
  }),
};
