import type { Decider, Decision, DomainEvent } from '../event-store/index.js';

/** What a claim is for; the event carries all that the follow-ups need. */
export type NameClaim =
  | { for: 'creation'; rootWorkspaceId: string; rootWorkspaceName: string; creatorId: string | null }
  | { for: 'renaming'; previousName: string };

export type TenantNameClaimed = DomainEvent<
  'tenant-name-claimed.v1',
  { tenantId: string; name: string; key: string; claim: NameClaim }
>;
export type TenantNameReleased = DomainEvent<
  'tenant-name-released.v1',
  { tenantId: string; name: string; key: string }
>;
export type TenantNameEvent = TenantNameClaimed | TenantNameReleased;

export type TenantName = { status: 'free' } | { status: 'held'; tenantId: string; name: string };

export const tenantName: Decider<TenantName, TenantNameEvent> = {
  name: 'tenant-name',
  initial: { status: 'free' },
  evolve: (_name, event) => {
    switch (event.type) {
      case 'tenant-name-claimed.v1':
        return { status: 'held', tenantId: event.data.tenantId, name: event.data.name };
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
  if (current.status === 'held' && current.name === command.name) return [];
  const { tenantId, name, key, claim } = command;
  return [{ type: 'tenant-name-claimed.v1', data: { tenantId, name, key, claim } }];
}

export function releaseTenantName(
  command: { tenantId: string; name: string; key: string },
  current: TenantName,
): Decision<TenantNameEvent> {
  if (current.status === 'free' || current.tenantId !== command.tenantId) return [];
  // Renamed to another spelling with the same key in the meantime: the claim still serves.
  if (current.name !== command.name) return [];
  const { tenantId, name, key } = command;
  return [{ type: 'tenant-name-released.v1', data: { tenantId, name, key } }];
}
