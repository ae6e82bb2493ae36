import { none, type RelationshipMap, type SourceChange, type Tuple } from '../outbox/index.js';
import { relationOf } from './catalogue.js';
import type { RoleEvent } from './role.decider.js';
import type { RoleNameEvent } from './role-name.decider.js';

/** The source of tuples that say what a role allows. */
const CONTENT = 'content';
/** Whoever a binding joins to the role: what it allows, it allows all of them. */
const ANYBODY = ['user:*', 'service_account:*'];

function tuplesOf(roleId: string, permission: string): Tuple[] {
  const relation = relationOf(permission);
  if (relation === undefined) throw new Error(`the catalogue has no permission ${permission}`);
  return ANYBODY.map((subject) => ({ resource: `role:${roleId}`, relation, subject }));
}

function allow(roleId: string, permissions: readonly string[]): SourceChange[] {
  return permissions.flatMap((name) => tuplesOf(roleId, name).map((want) => ({ want, source: CONTENT })));
}

function forbid(roleId: string, permissions: readonly string[]): SourceChange[] {
  return permissions.flatMap((name) => tuplesOf(roleId, name).map((end) => ({ end, source: CONTENT })));
}

export const roleRelationships: RelationshipMap<RoleEvent> = {
  'role-created.v1': ({ data: { roleId, permissions } }) => allow(roleId, permissions),
  'role-changed.v1': ({ data: { roleId, from, to } }) => {
    const [before, after] = [from.permissions ?? [], to.permissions ?? []];
    const ended = before.filter((permission) => !after.includes(permission));
    const added = after.filter((permission) => !before.includes(permission));
    return [...forbid(roleId, ended), ...allow(roleId, added)];
  },
  'role-deletion-started.v1': none,
  'role-deletion-stopped.v1': none,
  'role-deleted.v1': ({ data }) => [{ endObject: `role:${data.roleId}` }],
};

export const roleNameRelationships: RelationshipMap<RoleNameEvent> = {
  'role-name-claimed.v1': none,
  'role-name-released.v1': none,
};
