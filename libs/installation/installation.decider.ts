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
export type InstallationEvent = InstallationInitialised | SystemAdminGranted | SystemAdminEnded;

export interface InstallationState {
  initialised: Installation | null;
  admins: readonly string[];
}

export const installation: Decider<InstallationState, InstallationEvent> = {
  name: 'installation',
  initial: { initialised: null, admins: [] },
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
    }
  },
};

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
