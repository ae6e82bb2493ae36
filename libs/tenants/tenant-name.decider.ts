import type { Decider, Decision, DomainEvent } from '../event-store/index.js';

/** What a claim is for; the event carries all that the follow-ups need. */
export type NameClaim =
  | { for: 'creation'; rootWorkspaceId: string; rootWorkspaceName: string; creatorId: string | null }
  | { for: 'renaming'; previousName: string; ifRevision?: number };

export type TenantNameClaimed = DomainEvent<
  'tenant-name-claimed.v1',
  { tenantId: string; name: string; key: string; claim: NameClaim }
>;
export type TenantNameReleased = DomainEvent<
  'tenant-name-released.v1',
  { tenantId: string; name: string; key: string }
>;
export type TenantNameEvent = TenantNameClaimed | TenantNameReleased;

export type TenantName =
  | { status: 'free' }
  | {
      status: 'held';
      tenantId: string;
      name: string;
      /** Position of the claim: what is released was claimed before. */
      claimedAt: number;
    };

export const tenantName: Decider<TenantName, TenantNameEvent> = {
  name: 'tenant-name',
  initial: { status: 'free' },
  evolve: (_name, event, claimedAt) => {
    switch (event.type) {
      case 'tenant-name-claimed.v1':
        return { status: 'held', tenantId: event.data.tenantId, name: event.data.name, claimedAt };
      case 'tenant-name-released.v1':
        return { status: 'free' };
    }
  },
};

export interface ClaimTenantName {
  tenantId: string;
  name: string;
  key: string;
  claim: NameClaim;
}

export function claimTenantName(command: ClaimTenantName, current: TenantName): Decision<TenantNameEvent> {
  if (current.status === 'held' && current.tenantId !== command.tenantId) {
    return { refused: 'tenant-name-taken', field: 'name' };
  }
  const { tenantId, name, key, claim } = command;
  // A name that is still held, but was given up for another one, is claimed anew before it is released.
  const present = claim.for === 'renaming' ? claim.previousName : name;
  if (current.status === 'held' && current.name === name && present === name) return [];
  return [{ type: 'tenant-name-claimed.v1', data: { tenantId, name, key, claim } }];
}

export function releaseTenantName(
  command: {
    tenantId: string;
    name: string;
    key: string;
    /** Position up to which a claim is given up. */
    before: number;
  },
  current: TenantName,
): Decision<TenantNameEvent> {
  if (current.status === 'free' || current.tenantId !== command.tenantId) return [];
  if (current.claimedAt > command.before) return [];
  const { tenantId, name, key } = command;
  return [{ type: 'tenant-name-released.v1', data: { tenantId, name, key } }];
}
