import type { Decider, Decision, DomainEvent } from '../event-store/index.js';

export interface Subject {
  type: 'user' | 'service_account';
  id: string;
}
export interface Target {
  type: 'tenant' | 'workspace';
  id: string;
}
/** A built-in role, or the id of a role of the tenant; `admin` of a tenant is held in the tenant's own stream. */
export type RoleName = string;

/** The built-in roles that a target has; roles of the tenant it has all. */
export function rolesOf(targetType: Target['type']): readonly RoleName[] {
  return targetType === 'tenant' ? ['admin', 'member'] : ['admin', 'editor', 'member'];
}

export function isBuiltIn(role: RoleName): boolean {
  return role === 'admin' || role === 'editor' || role === 'member';
}

/** `role-changed`: given while the role was changed, to hold more than who gave it was found to hold. */
export type EndReason =
  | 'removed'
  | 'role-changed'
  | 'role-deleted'
  | 'member-removed'
  | 'replaced'
  | 'revoked'
  | 'expired'
  | 'promoted'
  | 'user-deactivated';

interface OnAssignment {
  tenantId: string;
  subject: Subject;
  target: Target;
}

export type RoleGranted = DomainEvent<
  'role-granted.v1',
  OnAssignment & {
    role: RoleName;
    /** What wants it: `direct`, `creation`, `request:{id}`. */
    source: string;
    until: string | null;
    /** Of a role of the tenant: the revision whose permissions who gave it was found to hold. */
    roleRevision?: number;
    /** Roles that end with this event, with their sources. */
    replaced: readonly { role: RoleName; sources: readonly string[] }[];
    rolesBefore: readonly RoleName[];
    rolesAfter: readonly RoleName[];
    at: string;
  }
>;
export type RoleEnded = DomainEvent<
  'role-ended.v1',
  OnAssignment & {
    role: RoleName;
    sources: readonly string[];
    reason: EndReason;
    rolesBefore: readonly RoleName[];
    rolesAfter: readonly RoleName[];
    at: string;
  }
>;
/** Ends whatever the person holds in the tenant and its workspaces from sources earlier in the log. */
export type TenantMemberRemoved = DomainEvent<
  'tenant-member-removed.v1',
  { tenantId: string; userId: string; roles: readonly RoleName[]; reason: EndReason; at: string }
>;
/** Ends whatever the service account holds in its tenant and the workspaces, likewise. */
export type TenantServiceAccountRemoved = DomainEvent<
  'tenant-service-account-removed.v1',
  { tenantId: string; serviceAccountId: string; roles: readonly RoleName[]; reason: EndReason; at: string }
>;
export type RoleRequestOpened = DomainEvent<
  'role-request-opened.v1',
  OnAssignment & {
    requestId: string;
    role: RoleName;
    until: string | null;
    rolesHeld: readonly RoleName[];
    at: string;
  },
  { reason?: string }
>;
export type RoleRequestClosed = DomainEvent<
  'role-request-closed.v1',
  OnAssignment & { requestId: string; role: RoleName; at: string }
>;
export type AssignmentEvent =
  RoleGranted | RoleEnded | TenantMemberRemoved | TenantServiceAccountRemoved | RoleRequestOpened | RoleRequestClosed;

export interface Holding {
  until: string | null;
  /** Position of the event it began with. */
  since: number;
}
export type Holdings = Readonly<Record<RoleName, Readonly<Record<string, Holding>>>>;
export interface Assignment {
  roles: Holdings;
  /** Role → the open request for it. */
  pending: Readonly<Record<RoleName, string>>;
  /** On the assignment of a subject to the tenant itself: position of their last removal from it. */
  removedAt: number;
  revision: number;
}

function addSource(roles: Holdings, role: RoleName, source: string, holding: Holding): Holdings {
  return { ...roles, [role]: { ...roles[role], [source]: holding } };
}

function dropSources(roles: Holdings, role: RoleName, sources: readonly string[]): Holdings {
  const left = Object.entries(roles[role] ?? {}).filter(([source]) => !sources.includes(source));
  const others = Object.fromEntries(Object.entries(roles).filter(([name]) => name !== role));
  return left.length > 0 ? { ...others, [role]: Object.fromEntries(left) } : others;
}

function dropPending(pending: Assignment['pending'], requestId: string): Assignment['pending'] {
  return Object.fromEntries(Object.entries(pending).filter(([, open]) => open !== requestId));
}

export const assignment: Decider<Assignment, AssignmentEvent> = {
  name: 'assignment',
  initial: { roles: {}, pending: {}, removedAt: -1, revision: 0 },
  evolve: (state, event, position) => {
    const revision = state.revision + 1;
    switch (event.type) {
      case 'role-granted.v1': {
        const { role, source, until, replaced } = event.data;
        const kept = replaced.reduce((roles, old) => dropSources(roles, old.role, old.sources), state.roles);
        const roles = addSource(kept, role, source, { until, since: position });
        return { ...state, roles, pending: dropPending(state.pending, source.replace('request:', '')), revision };
      }
      case 'role-ended.v1':
        return { ...state, roles: dropSources(state.roles, event.data.role, event.data.sources), revision };
      case 'tenant-member-removed.v1':
      case 'tenant-service-account-removed.v1':
        return { ...state, roles: {}, removedAt: position, revision };
      case 'role-request-opened.v1':
        return { ...state, pending: { ...state.pending, [event.data.role]: event.data.requestId } };
      case 'role-request-closed.v1':
        return { ...state, pending: dropPending(state.pending, event.data.requestId) };
    }
  },
};

interface Command extends OnAssignment {
  /** Position of the subject's last removal from the tenant: sources that began before it are gone. */
  removedAt: number;
  at: string;
}

export function grantRole(
  command: Command & {
    role: RoleName;
    roleRevision?: number;
    source: string;
    until: string | null;
    /** A built-in role takes the place of other built-in ones. */
    replace: boolean;
  },
  state: Assignment,
): Decision<AssignmentEvent> {
  const { tenantId, subject, target, role, roleRevision, source, until, at } = command;
  const live = liveRoles(state, command);
  const replaces = (name: RoleName): boolean => command.replace && isBuiltIn(role) && isBuiltIn(name) && name !== role;
  const replaced = Object.entries(live).filter(([name]) => replaces(name));
  const held = live[role]?.[source];
  if (held && held.until === until && replaced.length === 0) return [];
  const rolesBefore = Object.keys(live) as RoleName[];
  const kept = rolesBefore.filter((name) => name !== role && !replaces(name));
  return [
    {
      type: 'role-granted.v1',
      data: {
        ...{ tenantId, subject, target, role, source, until },
        ...(roleRevision !== undefined && { roleRevision }),
        replaced: replaced.map(([name, sources]) => ({ role: name as RoleName, sources: Object.keys(sources) })),
        rolesBefore,
        rolesAfter: [...kept, role],
        at,
      },
    },
  ];
}

export function endRole(
  command: Command & {
    /** All roles where absent. */
    role?: RoleName;
    /** All sources where absent. */
    sources?: readonly string[];
    /** Only sources that began before this position. */
    before?: number;
    reason: EndReason;
  },
  state: Assignment,
): Decision<AssignmentEvent> {
  const { tenantId, subject, target, reason, at } = command;
  const live = presentRoles(state, command.removedAt);
  let rolesAfter = Object.keys(live) as RoleName[];
  const events: AssignmentEvent[] = [];
  for (const [name, held] of Object.entries(live)) {
    const role = name as RoleName;
    if (command.role !== undefined && command.role !== role) continue;
    const sources = Object.keys(held).filter((source) => ends(command, source, held[source]!));
    if (sources.length === 0) continue;
    const rolesBefore = rolesAfter;
    if (sources.length === Object.keys(held).length) rolesAfter = rolesAfter.filter((left) => left !== role);
    const data = { tenantId, subject, target, role, sources, reason, rolesBefore, rolesAfter, at };
    events.push({ type: 'role-ended.v1', data });
  }
  return events;
}

function ends(
  command: { sources?: readonly string[]; before?: number; reason: EndReason; at: string },
  source: string,
  { since, until }: Holding,
): boolean {
  if (command.sources && !command.sources.includes(source)) return false;
  if (command.before !== undefined && since >= command.before) return false;
  return command.reason !== 'expired' || (until !== null && until <= command.at);
}

export function removeTenantMember(
  command: {
    tenantId: string;
    userId: string;
    reason: EndReason;
    wasAdmin: boolean;
    /** Also who is no member, but holds something in the tenant's workspaces. */
    evenIfNoMember: boolean;
    at: string;
  },
  state: Assignment,
): Decision<AssignmentEvent> {
  const { tenantId, userId, reason, wasAdmin, at } = command;
  const roles = Object.keys(presentRoles(state, state.removedAt)) as RoleName[];
  if (roles.length === 0 && !wasAdmin && !command.evenIfNoMember) return [];
  const all: RoleName[] = wasAdmin ? [...roles, 'admin'] : roles;
  return [{ type: 'tenant-member-removed.v1', data: { tenantId, userId, roles: all, reason, at } }];
}

/** One that holds nothing on the tenant itself is no member of it. */
export function removeServiceAccount(
  command: { tenantId: string; serviceAccountId: string; at: string },
  state: Assignment,
): Decision<AssignmentEvent> {
  const { tenantId, serviceAccountId, at } = command;
  const roles = Object.keys(presentRoles(state, state.removedAt)) as RoleName[];
  if (roles.length === 0) return { refused: 'not-found' };
  const data = { tenantId, serviceAccountId, roles, reason: 'member-removed' as const, at };
  return [{ type: 'tenant-service-account-removed.v1', data }];
}

export function openRoleRequest(
  command: Command & {
    requestId: string;
    role: RoleName;
    until: string | null;
    reason?: string;
    /** The role as held in another stream (tenant admin): until when, undefined when it is not. */
    heldElsewhere?: string | null;
    /** The open request that this one takes the place of. */
    supersedes?: string;
  },
  state: Assignment,
): Decision<AssignmentEvent> {
  const { tenantId, subject, target, requestId, role, until, reason, at } = command;
  const open = state.pending[role];
  if (open !== undefined && open !== command.supersedes) {
    return open === requestId ? [] : { refused: 'request-pending', extra: { requestId: open } };
  }
  const live = liveRoles(state, command);
  const ends = Object.values(live[role] ?? {}).map((holding) => holding.until);
  if (command.heldElsewhere !== undefined) ends.push(command.heldElsewhere);
  if (ends.some((end) => end === null || (until !== null && end >= until))) return { refused: 'role-already-held' };
  const rolesHeld = Object.keys(live) as RoleName[];
  const data = { tenantId, subject, target, requestId, role, until, rolesHeld, at };
  return [{ type: 'role-request-opened.v1', data, ...(reason !== undefined && { personal: { reason } }) }];
}

export function closeRoleRequest(
  command: OnAssignment & { requestId: string; role: RoleName; at: string },
  state: Assignment,
): Decision<AssignmentEvent> {
  const { tenantId, subject, target, requestId, role, at } = command;
  if (state.pending[role] !== requestId) return [];
  return [{ type: 'role-request-closed.v1', data: { tenantId, subject, target, requestId, role, at } }];
}

/** Roles with the sources that count: begun after the last removal from the tenant, and not past their end. */
export function liveRoles(state: Assignment, now: { removedAt: number; at: string }): Holdings {
  return filterSources(state.roles, ({ until, since }) => since > now.removedAt && (until === null || until > now.at));
}

function presentRoles(state: Assignment, removedAt: number): Holdings {
  return filterSources(state.roles, ({ since }) => since > removedAt);
}

function filterSources(roles: Holdings, counts: (holding: Holding) => boolean): Holdings {
  const filtered = Object.entries(roles).map(([role, sources]) => [
    role,
    Object.fromEntries(Object.entries(sources).filter(([, holding]) => counts(holding))),
  ]);
  return Object.fromEntries(filtered.filter(([, sources]) => Object.keys(sources as object).length > 0));
}
