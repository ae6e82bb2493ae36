import type { Decider, Decision, DomainEvent } from '../event-store/index.js';
import type { SameNameAs } from '../platform/index.js';

interface OnAccount {
  serviceAccountId: string;
  tenantId: string;
}
interface TokenEnds {
  name: string;
  expiresAt: string | null;
}

export type DeletionReason = 'deleted' | 'tenant-deleted';

export type ServiceAccountCreated = DomainEvent<'service-account-created.v1', OnAccount & { name: string; at: string }>;
export type ServiceAccountRenamed = DomainEvent<
  'service-account-renamed.v1',
  OnAccount & { from: string; to: string; revision: number; at: string }
>;
/** Ends its tokens and everything it holds. */
export type ServiceAccountDeleted = DomainEvent<
  'service-account-deleted.v1',
  OnAccount & {
    name: string;
    /** Those that worked. */
    tokens: readonly ({ tokenId: string } & TokenEnds)[];
    reason: DeletionReason;
    at: string;
  }
>;
export type ServiceAccountTokenIssued = DomainEvent<
  'service-account-token-issued.v1',
  OnAccount & TokenEnds & { tokenId: string; hmac: string; at: string }
>;
export type ServiceAccountTokenRevoked = DomainEvent<
  'service-account-token-revoked.v1',
  OnAccount & TokenEnds & { tokenId: string; at: string }
>;
export type ServiceAccountEvent =
  | ServiceAccountCreated
  | ServiceAccountRenamed
  | ServiceAccountDeleted
  | ServiceAccountTokenIssued
  | ServiceAccountTokenRevoked;

export interface ServiceAccountToken extends TokenEnds {
  id: string;
  hmac: string;
  createdAt: string;
  revokedAt: string | null;
  revision: number;
}
export type ServiceAccountState =
  | { status: 'absent' }
  | {
      status: 'active' | 'deleted';
      id: string;
      tenantId: string;
      name: string;
      createdAt: string;
      updatedAt: string;
      revision: number;
      tokens: ReadonlyMap<string, ServiceAccountToken>;
    };
export type ExistingServiceAccount = Extract<ServiceAccountState, { id: string }>;

export const serviceAccount: Decider<ServiceAccountState, ServiceAccountEvent> = {
  name: 'service-account',
  initial: { status: 'absent' },
  evolve: (state, event) => {
    if (event.type === 'service-account-created.v1') return created(event);
    if (state.status === 'absent') return state;
    switch (event.type) {
      case 'service-account-renamed.v1': {
        const { to: name, at: updatedAt, revision } = event.data;
        return { ...state, name, updatedAt, revision };
      }
      case 'service-account-deleted.v1':
        return { ...state, status: 'deleted', updatedAt: event.data.at };
      case 'service-account-token-issued.v1': {
        const { tokenId: id, name, hmac, expiresAt, at: createdAt } = event.data;
        return withToken(state, { id, name, hmac, expiresAt, createdAt, revokedAt: null, revision: 1 });
      }
      case 'service-account-token-revoked.v1': {
        const token = state.tokens.get(event.data.tokenId);
        if (!token) return state;
        return withToken(state, { ...token, revokedAt: event.data.at, revision: token.revision + 1 });
      }
    }
  },
};

function created({ data: { serviceAccountId: id, tenantId, name, at } }: ServiceAccountCreated): ServiceAccountState {
  const times = { createdAt: at, updatedAt: at, revision: 1 };
  return { status: 'active', id, tenantId, name, ...times, tokens: new Map() };
}

function withToken(state: ExistingServiceAccount, token: ServiceAccountToken): ServiceAccountState {
  return { ...state, tokens: new Map(state.tokens).set(token.id, token) };
}

export interface CreateServiceAccount {
  serviceAccountId: string;
  tenantId: string;
  name: string;
  /** Whether the tenant is there, and not being deleted. */
  tenantActive: boolean;
  at: string;
}

export function createServiceAccount(
  command: CreateServiceAccount,
  state: ServiceAccountState,
): Decision<ServiceAccountEvent> {
  const { tenantActive, ...data } = command;
  if (state.status !== 'absent') return [];
  if (!tenantActive) return { refused: 'not-found' };
  return [{ type: 'service-account-created.v1', data }];
}

interface Change {
  tenantId: string;
  ifRevision?: number;
  at: string;
}

export function renameServiceAccount(
  command: Change & { name: string },
  state: ServiceAccountState,
): Decision<ServiceAccountEvent> {
  const { tenantId, name, at } = command;
  if (!isAlive(state, tenantId)) return { refused: 'not-found' };
  if (isStale(command, state)) return { refused: 'stale-revision' };
  if (state.name === name) return [];
  const data = { serviceAccountId: state.id, tenantId, from: state.name, to: name, revision: state.revision + 1, at };
  return [{ type: 'service-account-renamed.v1', data }];
}

export function deleteServiceAccount(
  command: Change & { reason: DeletionReason },
  state: ServiceAccountState,
): Decision<ServiceAccountEvent> {
  const { tenantId, reason, at } = command;
  if (!isAlive(state, tenantId)) return reason === 'deleted' ? { refused: 'not-found' } : [];
  if (isStale(command, state)) return { refused: 'stale-revision' };
  const tokens = [...state.tokens.values()].filter((token) => works(token, at));
  const ended = tokens.map(({ id: tokenId, name, expiresAt }) => ({ tokenId, name, expiresAt }));
  const data = { serviceAccountId: state.id, tenantId, name: state.name, tokens: ended, reason, at };
  return [{ type: 'service-account-deleted.v1', data }];
}

export interface IssueServiceAccountToken extends TokenEnds {
  tokenId: string;
  tenantId: string;
  hmac: string;
  at: string;
}

export function issueServiceAccountToken(
  command: IssueServiceAccountToken,
  state: ServiceAccountState,
  sameNameAs: SameNameAs,
): Decision<ServiceAccountEvent> {
  const { tokenId, tenantId, name, expiresAt, at } = command;
  if (state.status !== 'absent' && state.tenantId === tenantId && state.tokens.has(tokenId)) return [];
  if (!isAlive(state, tenantId)) return { refused: 'not-found' };
  if (expiresAt !== null && expiresAt <= at)
    return { refused: 'invalid', detail: 'expiresAt must be in the future', field: 'expiresAt' };
  const isSame = sameNameAs(name);
  if ([...state.tokens.values()].some((token) => works(token, at) && isSame(token.name)))
    return { refused: 'token-name-taken', field: 'name' };
  return [{ type: 'service-account-token-issued.v1', data: { ...command, serviceAccountId: state.id } }];
}

export function revokeServiceAccountToken(
  { tokenId, tenantId, ifRevision, at }: Change & { tokenId: string },
  state: ServiceAccountState,
): Decision<ServiceAccountEvent> {
  if (!isAlive(state, tenantId)) return { refused: 'not-found' };
  const token = state.tokens.get(tokenId);
  if (!token) return { refused: 'not-found' };
  if (token.revokedAt !== null) return { refused: 'token-already-revoked' };
  if (ifRevision !== undefined && ifRevision !== token.revision) return { refused: 'stale-revision' };
  const { name, expiresAt } = token;
  const data = { serviceAccountId: state.id, tenantId, tokenId, name, expiresAt, at };
  return [{ type: 'service-account-token-revoked.v1', data }];
}

function isAlive(state: ServiceAccountState, tenantId: string): state is ExistingServiceAccount {
  return state.status === 'active' && state.tenantId === tenantId;
}

function isStale({ ifRevision }: Change, state: ExistingServiceAccount): boolean {
  return ifRevision !== undefined && ifRevision !== state.revision;
}

function works({ revokedAt, expiresAt }: ServiceAccountToken, at: string): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > at);
}
