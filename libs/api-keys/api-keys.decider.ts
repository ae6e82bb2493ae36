import type { Decider, Decision, DomainEvent } from '../event-store/index.js';
import type { SameNameAs } from '../platform/index.js';

export type RevocationReason = 'revoked-by-owner' | 'revoked-by-admin' | 'member-removed';

interface OnKey {
  apiKeyId: string;
  tenantId: string;
  userId: string;
}

export type ApiKeyCreated = DomainEvent<
  'api-key-created.v1',
  OnKey & {
    /** What the key begins with, to tell it from others. */
    prefix: string;
    hmac: string;
    expiresAt: string;
    at: string;
  },
  { name: string }
>;
export type ApiKeyRevoked = DomainEvent<'api-key-revoked.v1', OnKey & { reason: RevocationReason; at: string }>;
/** With its tenant. */
export type ApiKeyDeleted = DomainEvent<'api-key-deleted.v1', OnKey & { at: string }>;
export type ApiKeyEvent = ApiKeyCreated | ApiKeyRevoked | ApiKeyDeleted;

export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  hmac: string;
  createdAt: string;
  expiresAt: string;
  revokedAt: string | null;
  /** Position of its creation. */
  since: number;
  revision: number;
}
/** All keys of one user for one tenant, so that no two that work have the same name. */
export type ApiKeys = ReadonlyMap<string, ApiKey>;

export const apiKeys: Decider<ApiKeys, ApiKeyEvent> = {
  name: 'api-keys',
  initial: new Map(),
  evolve: (keys, event, since) => {
    const { apiKeyId: id, at } = event.data;
    switch (event.type) {
      case 'api-key-created.v1': {
        const { prefix, hmac, expiresAt } = event.data;
        const name = event.personal?.name ?? '';
        const times = { createdAt: at, expiresAt, revokedAt: null };
        return new Map(keys).set(id, { id, name, prefix, hmac, ...times, since, revision: 1 });
      }
      case 'api-key-revoked.v1': {
        const key = keys.get(id);
        return key ? new Map(keys).set(id, { ...key, revokedAt: at, revision: key.revision + 1 }) : keys;
      }
      case 'api-key-deleted.v1': {
        const left = new Map(keys);
        left.delete(id);
        return left;
      }
    }
  },
};

const DAY_MS = 86_400_000;

export interface CreateApiKey extends OnKey {
  /** Whether the user is active, and a member of the tenant. */
  mayHold: boolean;
  name: string;
  prefix: string;
  hmac: string;
  expiresInDays: number;
  at: string;
}

export function createApiKey(command: CreateApiKey, keys: ApiKeys, sameNameAs: SameNameAs): Decision<ApiKeyEvent> {
  const { mayHold, name, expiresInDays, ...created } = command;
  if (keys.has(command.apiKeyId)) return [];
  if (!mayHold) return { refused: 'not-found' };
  const isSame = sameNameAs(name);
  if ([...keys.values()].some((key) => works(key, command.at) && isSame(key.name)))
    return { refused: 'api-key-name-taken', field: 'name' };
  const expiresAt = new Date(Date.parse(command.at) + expiresInDays * DAY_MS).toISOString();
  return [{ type: 'api-key-created.v1', data: { ...created, expiresAt }, personal: { name } }];
}

export function revokeApiKey(
  command: OnKey & { reason: RevocationReason; ifRevision?: number; at: string },
  keys: ApiKeys,
): Decision<ApiKeyEvent> {
  const { ifRevision, ...data } = command;
  const key = keys.get(command.apiKeyId);
  if (!key) return { refused: 'not-found' };
  if (key.revokedAt !== null) return { refused: 'api-key-already-revoked' };
  if (ifRevision !== undefined && ifRevision !== key.revision) return { refused: 'stale-revision' };
  return [{ type: 'api-key-revoked.v1', data }];
}

type OfMember = Omit<OnKey, 'apiKeyId'> & { at: string };

/** Revokes the keys that were created before a position of the log. */
export function revokeApiKeysOf({ before, ...member }: OfMember & { before: number }, keys: ApiKeys): ApiKeyEvent[] {
  const working = [...keys.values()].filter((key) => key.since < before && works(key, member.at));
  const reason = 'member-removed' as const;
  return working.map(({ id: apiKeyId }) => ({ type: 'api-key-revoked.v1', data: { apiKeyId, ...member, reason } }));
}

export function deleteApiKeysOf(member: OfMember, keys: ApiKeys): ApiKeyEvent[] {
  return [...keys.keys()].map((apiKeyId) => ({ type: 'api-key-deleted.v1', data: { apiKeyId, ...member } }));
}

function works({ revokedAt, expiresAt }: ApiKey, at: string): boolean {
  return revokedAt === null && expiresAt > at;
}
