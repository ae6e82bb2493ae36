import type { Decider, Decision, DomainEvent } from '../event-store/index.js';

/** `until`: ISO 8601 UTC, or null for no end. */
export type Sources = Readonly<Record<string, string | null>>;
/** Built-in roles as tenants name them: `tenant:member`, `workspace:editor`. */
export type RequestableRole =
  'tenant:admin' | 'tenant:member' | 'workspace:admin' | 'workspace:editor' | 'workspace:member';

export type TenantCreated = DomainEvent<
  'tenant-created.v1',
  { tenantId: string; name: string; rootWorkspaceId: string; requestable: readonly RequestableRole[]; at: string }
>;
export type TenantRenamed = DomainEvent<
  'tenant-renamed.v1',
  { tenantId: string; from: string; to: string; revision: number; at: string }
>;
export type TenantRequestableRolesSet = DomainEvent<
  'tenant-requestable-roles-set.v1',
  { tenantId: string; from: readonly RequestableRole[]; to: readonly RequestableRole[]; revision: number; at: string }
>;
export type TenantAdminGranted = DomainEvent<
  'tenant-admin-granted.v1',
  {
    tenantId: string;
    rootWorkspaceId: string;
    userId: string;
    source: string;
    until: string | null;
    /** Given directly: takes the place of the plain membership, which ends with this event. */
    replacesMember: boolean;
    at: string;
  }
>;
export type TenantAdminEnded = DomainEvent<
  'tenant-admin-ended.v1',
  {
    tenantId: string;
    rootWorkspaceId: string;
    userId: string;
    sources: readonly string[];
    reason: AdminEndReason;
    /** A demotion: with this event the user is a plain member, from the source `direct`. */
    becomesMember: { until: string | null } | null;
    stillAdmin: boolean;
    at: string;
  }
>;
export type TenantDeletionStarted = DomainEvent<
  'tenant-deletion-started.v1',
  { tenantId: string; name: string; at: string }
>;
export type TenantDeleted = DomainEvent<
  'tenant-deleted.v1',
  { tenantId: string; name: string; workspaces: number; at: string }
>;
export type TenantEvent =
  | TenantCreated
  | TenantRenamed
  | TenantRequestableRolesSet
  | TenantAdminGranted
  | TenantAdminEnded
  | TenantDeletionStarted
  | TenantDeleted;

export type AdminEndReason = 'demoted' | 'removed' | 'member-removed' | 'revoked' | 'expired' | 'user-deactivated';

export type Tenant =
  | { status: 'absent' }
  | {
      status: 'active' | 'deleting' | 'deleted';
      id: string;
      name: string;
      /** Position of the event that gave it the name. */
      namedAt: number;
      rootWorkspaceId: string;
      requestable: readonly RequestableRole[];
      admins: Readonly<Record<string, Sources>>;
      /** How often it was decided on somebody's being admin. */
      adminRevisions: Readonly<Record<string, number>>;
      createdAt: string;
      updatedAt: string;
      revision: number;
    };
export type ExistingTenant = Extract<Tenant, { id: string }>;

const without = <T>(record: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));

const withAdmin = (admins: ExistingTenant['admins'], userId: string, sources: Sources): ExistingTenant['admins'] =>
  Object.keys(sources).length > 0 ? { ...admins, [userId]: sources } : without(admins, [userId]);

function withSources(tenant: ExistingTenant, userId: string, sources: Sources): Tenant {
  const adminRevisions = { ...tenant.adminRevisions, [userId]: (tenant.adminRevisions[userId] ?? 0) + 1 };
  return { ...tenant, admins: withAdmin(tenant.admins, userId, sources), adminRevisions };
}

function changed(tenant: ExistingTenant, at: string, change: Partial<ExistingTenant>): Tenant {
  return { ...tenant, ...change, updatedAt: at, revision: tenant.revision + 1 };
}

export const tenant: Decider<Tenant, TenantEvent> = {
  name: 'tenant',
  initial: { status: 'absent' },
  evolve: (state, event, position) => {
    if (event.type === 'tenant-created.v1') {
      const { tenantId: id, name, rootWorkspaceId, requestable, at } = event.data;
      const times = { createdAt: at, updatedAt: at, revision: 1 };
      return {
        status: 'active',
        id,
        name,
        namedAt: position,
        rootWorkspaceId,
        requestable,
        admins: {},
        adminRevisions: {},
        ...times,
      };
    }
    if (state.status === 'absent') return state;
    switch (event.type) {
      case 'tenant-renamed.v1':
        return changed(state, event.data.at, { name: event.data.to, namedAt: position });
      case 'tenant-requestable-roles-set.v1':
        return changed(state, event.data.at, { requestable: event.data.to });
      case 'tenant-admin-granted.v1': {
        const { userId, source, until } = event.data;
        return withSources(state, userId, { ...state.admins[userId], [source]: until });
      }
      case 'tenant-admin-ended.v1': {
        const { userId, sources } = event.data;
        return withSources(state, userId, without(state.admins[userId] ?? {}, sources));
      }
      case 'tenant-deletion-started.v1':
        return { ...state, status: 'deleting' };
      case 'tenant-deleted.v1':
        return { ...state, status: 'deleted' };
    }
  },
};

export interface CreateTenant {
  tenantId: string;
  name: string;
  rootWorkspaceId: string;
  requestable: readonly RequestableRole[];
  /** Becomes the first admin; null when nobody gains by creating. */
  creatorId: string | null;
  at: string;
}

export function createTenant(command: CreateTenant, state: Tenant): Decision<TenantEvent> {
  if (state.status !== 'absent') return [];
  const { tenantId, name, rootWorkspaceId, requestable, creatorId, at } = command;
  const created: TenantEvent = {
    type: 'tenant-created.v1',
    data: { tenantId, name, rootWorkspaceId, requestable, at },
  };
  if (creatorId === null) return [created];
  const admin = {
    tenantId,
    rootWorkspaceId,
    userId: creatorId,
    source: 'creation',
    until: null,
    replacesMember: false,
    at,
  };
  return [created, { type: 'tenant-admin-granted.v1', data: admin }];
}

interface OnTenant {
  ifRevision?: number;
  at: string;
}

export interface RenameTenant extends OnTenant {
  name: string;
  /** Position of the name's claim. */
  claimedAt: number;
}

export function renameTenant(command: RenameTenant, state: Tenant): Decision<TenantEvent> {
  if (state.status !== 'active') return { refused: 'not-found' };
  if (command.ifRevision !== undefined && command.ifRevision !== state.revision) return { refused: 'stale-revision' };
  if (command.name === state.name) return [];
  // Another renaming came in between: it may have given this claim up.
  if (command.claimedAt < state.namedAt) return { refused: 'conflict' };
  const data = { tenantId: state.id, from: state.name, to: command.name, revision: state.revision + 1, at: command.at };
  return [{ type: 'tenant-renamed.v1', data }];
}

export function setRequestableRoles(
  command: OnTenant & { roles: readonly RequestableRole[] },
  state: Tenant,
): Decision<TenantEvent> {
  if (state.status !== 'active') return { refused: 'not-found' };
  if (command.ifRevision !== undefined && command.ifRevision !== state.revision) return { refused: 'stale-revision' };
  const to = [...new Set(command.roles)].sort();
  if (to.join() === [...state.requestable].sort().join()) return [];
  const data = { tenantId: state.id, from: state.requestable, to, revision: state.revision + 1, at: command.at };
  return [{ type: 'tenant-requestable-roles-set.v1', data }];
}

export interface GrantAdmin {
  userId: string;
  source: string;
  until: string | null;
  replacesMember: boolean;
  /** Admins on record who are gone for good. */
  gone?: ReadonlySet<string>;
  at: string;
}

export function grantAdmin(command: GrantAdmin, state: Tenant): Decision<TenantEvent> {
  if (state.status !== 'active') return { refused: 'not-found' };
  const { userId, source, until, replacesMember, at } = command;
  const held = state.admins[userId] ?? {};
  if (source in held && held[source] === until) return [];
  if (held[source] === null && !adminRemains(state, command, [source])) return { refused: 'last-admin' };
  const { id: tenantId, rootWorkspaceId } = state;
  const data = { tenantId, rootWorkspaceId, userId, source, until, replacesMember, at };
  return [{ type: 'tenant-admin-granted.v1', data }];
}

export interface AppointAdmin {
  /** Somebody who may act. */
  userId: string;
  replacesMember: boolean;
  /** Admins on record who are gone for good. */
  gone: ReadonlySet<string>;
  /** Admins who come back by being reinstated. */
  suspended: ReadonlySet<string>;
  at: string;
}

/** What an operator does for a tenant that nobody can administrate any more, and for no other. */
export function appointAdmin(command: AppointAdmin, state: Tenant): Decision<TenantEvent> {
  const { gone, suspended, ...given } = command;
  if (state.status !== 'active') return { refused: 'no-such-tenant' };
  const unbounded = Object.keys(state.admins).filter((id) => Object.values(state.admins[id]!).includes(null));
  const admins = unbounded.filter((id) => !gone.has(id));
  if (admins.includes(given.userId)) return [];
  const acting = admins.find((id) => !suspended.has(id));
  if (acting !== undefined) return { refused: 'tenant-has-admin', detail: `user ${acting}` };
  if (admins.length > 0) return { refused: 'tenant-admin-suspended', detail: `user ${admins.join(', user ')}` };
  return grantAdmin({ ...given, source: 'operator', until: null }, state);
}

export interface EndAdmin {
  userId: string;
  /** Which sources end; all of them when absent. */
  sources?: readonly string[];
  reason: AdminEndReason;
  becomesMember: { until: string | null } | null;
  /** Admins on record who are gone for good. */
  gone?: ReadonlySet<string>;
  at: string;
}

export function endAdmin(command: EndAdmin, state: Tenant): Decision<TenantEvent> {
  if (state.status === 'absent' || state.status === 'deleted') return [];
  const { userId, reason, becomesMember, at } = command;
  const held = Object.keys(state.admins[userId] ?? {});
  const sources = held.filter((source) => ends(command, source, state.admins[userId]![source]!));
  if (sources.length === 0) return [];
  const unbounded = sources.some((source) => state.admins[userId]![source] === null);
  if (state.status === 'active' && unbounded && !adminRemains(state, command, sources))
    return { refused: 'last-admin' };
  const { id: tenantId, rootWorkspaceId } = state;
  const stillAdmin = sources.length < held.length;
  const data = { tenantId, rootWorkspaceId, userId, sources, reason, becomesMember, stillAdmin, at };
  return [{ type: 'tenant-admin-ended.v1', data }];
}

function ends({ sources, reason, at }: EndAdmin, source: string, until: string | null): boolean {
  if (sources && !sources.includes(source)) return false;
  return reason !== 'expired' || (until !== null && until <= at);
}

export function startTenantDeletion(command: OnTenant, state: Tenant): Decision<TenantEvent> {
  if (state.status === 'absent' || state.status === 'deleted') return { refused: 'not-found' };
  if (state.status === 'deleting') return [];
  if (command.ifRevision !== undefined && command.ifRevision !== state.revision) return { refused: 'stale-revision' };
  return [{ type: 'tenant-deletion-started.v1', data: { tenantId: state.id, name: state.name, at: command.at } }];
}

export function finishTenantDeletion(
  command: { workspaces: number; at: string },
  state: Tenant,
): Decision<TenantEvent> {
  if (state.status !== 'deleting') return [];
  const { id: tenantId, name } = state;
  return [{ type: 'tenant-deleted.v1', data: { tenantId, name, workspaces: command.workspaces, at: command.at } }];
}

/** Whether an admin without an end, who is not gone for good, remains once `userId` has lost `sources`. */
function adminRemains(
  { admins }: ExistingTenant,
  { userId, gone }: { userId: string; gone?: ReadonlySet<string> },
  sources: readonly string[],
): boolean {
  return Object.entries(admins).some(
    ([admin, held]) =>
      !gone?.has(admin) &&
      Object.entries(held).some(([source, until]) => until === null && !(admin === userId && sources.includes(source))),
  );
}
