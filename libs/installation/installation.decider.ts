import type { Decider, Decision, DomainEvent } from '../event-store/index.js';
import type { UserState } from '../users/index.js';

/** What the first start decides, once and for all. */
export interface Installation {
  adminUserId: string;
  defaultTenantId: string;
  defaultTenantName: string;
  rootWorkspaceId: string;
  rootWorkspaceName: string;
}

export type InstallationInitialised = DomainEvent<'installation-initialised.v1', Installation & { at: string }>;
export type SystemAdminGranted = DomainEvent<'system-admin-granted.v1', { userId: string; at: string }>;
/** The user was deactivated. */
export type SystemAdminEnded = DomainEvent<'system-admin-ended.v1', { userId: string; at: string }>;
export interface CheckerSubject {
  type: 'user' | 'service_account';
  id: string;
}
/** May ask what others may do, in every tenant. */
export type SystemCheckerGranted = DomainEvent<
  'system-checker-granted.v1',
  { subject: CheckerSubject; revision: number; at: string }
>;
export type SystemCheckerEnded = DomainEvent<
  'system-checker-ended.v1',
  { subject: CheckerSubject; reason: CheckerEndReason; revision: number; at: string }
>;
/** `subject-gone`: the user was deactivated, the service account deleted. */
export type CheckerEndReason = 'revoked' | 'subject-gone';
export type InstallationEvent =
  InstallationInitialised | SystemAdminGranted | SystemAdminEnded | SystemCheckerGranted | SystemCheckerEnded;

interface Checker {
  subject: CheckerSubject;
  isOne: boolean;
  since: string;
  revision: number;
}

export interface InstallationState {
  initialised: Installation | null;
  admins: readonly string[];
  /** By type and id of the subject, those too that are none any more. */
  checkers: Readonly<Record<string, Checker>>;
}

export const installation: Decider<InstallationState, InstallationEvent> = {
  name: 'installation',
  initial: { initialised: null, admins: [], checkers: {} },
  evolve: (state, event) => {
    switch (event.type) {
      case 'installation-initialised.v1': {
        const { at: _at, ...initialised } = event.data;
        return { ...state, initialised };
      }
      case 'system-admin-granted.v1':
        return { ...state, admins: [...state.admins, event.data.userId] };
      case 'system-admin-ended.v1':
        return { ...state, admins: state.admins.filter((admin) => admin !== event.data.userId) };
      case 'system-checker-granted.v1':
        return withChecker(state, { ...event.data, isOne: true, since: event.data.at });
      case 'system-checker-ended.v1':
        return withChecker(state, { ...event.data, isOne: false, since: event.data.at });
    }
  },
};

function withChecker(state: InstallationState, checker: Checker): InstallationState {
  const { subject, isOne, since, revision } = checker;
  return { ...state, checkers: { ...state.checkers, [checkerKey(subject)]: { subject, isOne, since, revision } } };
}

export function checkerKey({ type, id }: CheckerSubject): string {
  return `${type}:${id}`;
}

export function initialise(
  command: Installation & { at: string },
  state: InstallationState,
): Decision<InstallationEvent> {
  return state.initialised ? [] : [{ type: 'installation-initialised.v1', data: command }];
}

export function grantSystemAdmin(
  command: { userId: string; user: UserState['status']; at: string },
  state: InstallationState,
): Decision<InstallationEvent> {
  const { userId, user, at } = command;
  if (user === 'absent') return { refused: 'not-found' };
  if (user === 'deactivated') return { refused: 'user-inactive' };
  if (user === 'suspended') return { refused: 'user-suspended' };
  return state.admins.includes(userId) ? [] : [{ type: 'system-admin-granted.v1', data: { userId, at } }];
}

export function endSystemAdmin(
  { userId, at }: { userId: string; at: string },
  state: InstallationState,
): Decision<InstallationEvent> {
  return state.admins.includes(userId) ? [{ type: 'system-admin-ended.v1', data: { userId, at } }] : [];
}

export function grantChecker(
  { subject, isThere, at }: { subject: CheckerSubject; isThere: boolean; at: string },
  { checkers }: InstallationState,
): Decision<InstallationEvent> {
  if (!isThere) return { refused: 'subject-not-found', field: 'subject.id' };
  const checker = checkers[checkerKey(subject)];
  if (checker?.isOne) return [];
  return [{ type: 'system-checker-granted.v1', data: { subject, revision: (checker?.revision ?? 0) + 1, at } }];
}

export function endChecker(
  command: { subjectId: string; reason: CheckerEndReason; mustHold?: boolean; ifRevision?: number; at: string },
  { checkers }: InstallationState,
): Decision<InstallationEvent> {
  const { subjectId, reason, mustHold, ifRevision, at } = command;
  const checker = Object.values(checkers).find(({ subject, isOne }) => isOne && subject.id === subjectId);
  if (!checker) return mustHold ? { refused: 'not-found' } : [];
  if (ifRevision !== undefined && ifRevision !== checker.revision) return { refused: 'stale-revision' };
  const { subject, revision } = checker;
  return [{ type: 'system-checker-ended.v1', data: { subject, reason, revision: revision + 1, at } }];
}
