import type { Decider, Decision, DomainEvent } from '../event-store/index.js';
import type { RoleContent } from './role.decider.js';

/** What a claim is for; the event carries all that the follow-ups need. */
export type RoleNameClaim =
  | ({ for: 'creation' } & Omit<RoleContent, 'name'>)
  | {
      for: 'renaming';
      previousName: string;
      change: Partial<RoleContent>;
      ifRevision?: number;
      judgedRevision?: number;
    };

export type RoleNameClaimed = DomainEvent<
  'role-name-claimed.v1',
  { tenantId: string; roleId: string; name: string; key: string; claim: RoleNameClaim }
>;
export type RoleNameReleased = DomainEvent<
  'role-name-released.v1',
  { tenantId: string; roleId: string; name: string; key: string }
>;
export type RoleNameEvent = RoleNameClaimed | RoleNameReleased;

export type RoleName =
  | { status: 'free' }
  | {
      status: 'held';
      roleId: string;
      name: string;
      /** Position of the claim: what is released was claimed before. */
      claimedAt: number;
    };

/** One name in one tenant: of all roles that want it, one has it. */
export const roleName: Decider<RoleName, RoleNameEvent> = {
  name: 'role-name',
  initial: { status: 'free' },
  evolve: (_name, event, claimedAt) => {
    switch (event.type) {
      case 'role-name-claimed.v1':
        return { status: 'held', roleId: event.data.roleId, name: event.data.name, claimedAt };
      case 'role-name-released.v1':
        return { status: 'free' };
    }
  },
};

export function claimRoleName(command: RoleNameClaimed['data'], current: RoleName): Decision<RoleNameEvent> {
  const { roleId, name, claim } = command;
  if (current.status === 'held' && current.roleId !== roleId) return { refused: 'role-name-taken', field: 'name' };
  // A name that is still held, but was given up for another one, is claimed anew before it is released.
  const present = claim.for === 'renaming' ? claim.previousName : name;
  if (current.status === 'held' && current.name === name && present === name) return [];
  return [{ type: 'role-name-claimed.v1', data: command }];
}

export function releaseRoleName(
  command: RoleNameReleased['data'] & {
    /** Position up to which a claim is given up. */
    before: number;
  },
  current: RoleName,
): Decision<RoleNameEvent> {
  const { before, ...data } = command;
  if (current.status === 'free' || current.roleId !== command.roleId) return [];
  if (current.claimedAt > before) return [];
  return [{ type: 'role-name-released.v1', data }];
}
