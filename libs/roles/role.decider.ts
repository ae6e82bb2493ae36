import type { Decider, Decision, DomainEvent } from '../event-store/index.js';

/** What a tenant says of a role of its own. */
export interface RoleContent {
  name: string;
  description: string | null;
  /** Whether members may ask for it. */
  requestable: boolean;
  /** `resource:action` of the catalogue; their order means nothing. */
  permissions: readonly string[];
  /** Permission → how the client writes it, where that is not the form above; `form` where they are grouped. */
  spelledAs: Readonly<Record<string, string>>;
}

interface OnRole {
  roleId: string;
  tenantId: string;
  at: string;
}
export type RoleCreated = DomainEvent<'role-created.v1', OnRole & RoleContent>;
/** `from` and `to` have what changed, and nothing else. */
export type RoleChanged = DomainEvent<
  'role-changed.v1',
  OnRole & { from: Partial<RoleContent>; to: Partial<RoleContent>; revision: number }
>;
export type RoleDeletionStarted = DomainEvent<'role-deletion-started.v1', OnRole & { name: string }>;
export type RoleDeletionStopped = DomainEvent<'role-deletion-stopped.v1', OnRole & { name: string }>;
export type RoleDeleted = DomainEvent<'role-deleted.v1', OnRole & RoleContent & { reason: RoleEndReason }>;
export type RoleEvent = RoleCreated | RoleChanged | RoleDeletionStarted | RoleDeletionStopped | RoleDeleted;

export type RoleEndReason = 'deleted' | 'tenant-deleted';

export interface ExistingRole extends RoleContent {
  /** `deleting`: nobody is given it any more, until it is known whether anybody holds it. */
  status: 'active' | 'deleting' | 'deleted';
  id: string;
  tenantId: string;
  /** Position of the event that gave it the name. */
  namedAt: number;
  /** The revision since which it allows nothing that it had not allowed before. */
  widenedAt: number;
  createdAt: string;
  updatedAt: string;
  revision: number;
}
export type Role = { status: 'absent' } | ExistingRole;

export const role: Decider<Role, RoleEvent> = {
  name: 'role',
  initial: { status: 'absent' },
  evolve: (state, event, position) => {
    if (event.type === 'role-created.v1') {
      const { roleId: id, at, ...content } = event.data;
      const times = { namedAt: position, widenedAt: 1, createdAt: at, updatedAt: at };
      return { status: 'active', id, ...content, ...times, revision: 1 };
    }
    if (state.status === 'absent') return state;
    switch (event.type) {
      case 'role-changed.v1': {
        const { to, at, revision } = event.data;
        const namedAt = to.name === undefined ? state.namedAt : position;
        const widens = to.permissions?.some((permission) => !state.permissions.includes(permission));
        const widenedAt = widens ? revision : state.widenedAt;
        return { ...state, ...to, namedAt, widenedAt, updatedAt: at, revision };
      }
      case 'role-deletion-started.v1':
        return { ...state, status: 'deleting' };
      case 'role-deletion-stopped.v1':
        return { ...state, status: 'active' };
      case 'role-deleted.v1':
        return { ...state, status: 'deleted' };
    }
  },
};

export function createRole(
  command: RoleContent & { roleId: string; tenantId: string; at: string },
  state: Role,
): Decision<RoleEvent> {
  if (state.status !== 'absent') return [];
  const { roleId, tenantId, name, description, requestable, permissions, spelledAs, at } = command;
  const data = { roleId, tenantId, name, description, requestable, permissions, spelledAs, at };
  return [{ type: 'role-created.v1', data }];
}

export interface ChangeRole {
  change: Partial<RoleContent>;
  ifRevision?: number;
  /** The revision whose permissions the caller was found to hold. */
  judgedRevision?: number;
  /** Position of the claim of a new name. */
  claimedAt?: number;
  at: string;
}

export function changeRole(command: ChangeRole, state: Role): Decision<RoleEvent> {
  if (state.status === 'absent' || state.status === 'deleted') return { refused: 'not-found' };
  const { change, ifRevision, judgedRevision, claimedAt, at } = command;
  if (ifRevision !== undefined && ifRevision !== state.revision) return { refused: 'stale-revision' };
  if (state.status === 'deleting') return { refused: 'conflict' };
  // Another renaming came in between: it may have given this claim up.
  if (claimedAt !== undefined && claimedAt < state.namedAt) return { refused: 'conflict' };
  const keys = (Object.keys(change) as (keyof RoleContent)[]).filter((key) => !isSame(change[key], state[key]));
  if (keys.length === 0) return [];
  if (allowsMoreThan(state, judgedRevision)) return { refused: 'role-changed-meanwhile' };
  const pick = (content: Partial<RoleContent>) => Object.fromEntries(keys.map((key) => [key, content[key]]));
  const { id: roleId, tenantId, revision } = state;
  const data = { roleId, tenantId, from: pick(state), to: pick(change), revision: revision + 1, at };
  return [{ type: 'role-changed.v1', data }];
}

/** Whether it may allow what it did not in the revision that somebody was found to hold all of. */
export function allowsMoreThan({ widenedAt }: ExistingRole, judgedRevision: number | undefined): boolean {
  return judgedRevision !== undefined && judgedRevision < widenedAt;
}

export function startRoleDeletion(command: { ifRevision?: number; at: string }, state: Role): Decision<RoleEvent> {
  if (state.status === 'absent' || state.status === 'deleted') return { refused: 'not-found' };
  if (command.ifRevision !== undefined && command.ifRevision !== state.revision) return { refused: 'stale-revision' };
  if (state.status === 'deleting') return [];
  const { id: roleId, tenantId, name } = state;
  return [{ type: 'role-deletion-started.v1', data: { roleId, tenantId, name, at: command.at } }];
}

/** What is in use stays. */
export function finishRoleDeletion(command: { inUse: boolean; at: string }, state: Role): Decision<RoleEvent> {
  if (state.status !== 'deleting') return [];
  if (!command.inUse) return [deleted(state, 'deleted', command.at)];
  const { id: roleId, tenantId, name } = state;
  return [{ type: 'role-deletion-stopped.v1', data: { roleId, tenantId, name, at: command.at } }];
}

/** A role goes with its tenant, whoever holds it. */
export function deleteWithTenant({ at }: { at: string }, state: Role): Decision<RoleEvent> {
  if (state.status === 'absent' || state.status === 'deleted') return [];
  return [deleted(state, 'tenant-deleted', at)];
}

function deleted(state: ExistingRole, reason: RoleEndReason, at: string): RoleDeleted {
  const { id: roleId, tenantId, name, description, requestable, permissions, spelledAs } = state;
  const data = { roleId, tenantId, name, description, requestable, permissions, spelledAs, reason, at };
  return { type: 'role-deleted.v1', data };
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? [...(value as string[])].sort() : Object.entries(value).sort();
}
