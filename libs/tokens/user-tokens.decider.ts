import type { Decider, Decision, DomainEvent } from '../event-store/index.js';
import type { SameNameAs } from '../platform/index.js';
import type { UserState } from '../users/index.js';

export type RevocationReason = 'revoked-by-owner' | 'revoked-by-admin';

export type TokenIssued = DomainEvent<
  'token-issued.v1',
  { tokenId: string; userId: string; hmac: string; expiresAt: string | null; at: string },
  { name: string }
>;
export type TokenRevoked = DomainEvent<
  'token-revoked.v1',
  { tokenId: string; userId: string; reason: RevocationReason; at: string }
>;
export type TokenEvent = TokenIssued | TokenRevoked;

export interface Token {
  id: string;
  name: string;
  hmac: string;
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
  revision: number;
}
/** All tokens of one user, so that no two that work have the same name. */
export type UserTokens = ReadonlyMap<string, Token>;

export const userTokens: Decider<UserTokens, TokenEvent> = {
  name: 'user-tokens',
  initial: new Map(),
  evolve: (tokens, event) => {
    const { tokenId, at } = event.data;
    switch (event.type) {
      case 'token-issued.v1': {
        const { hmac, expiresAt } = event.data;
        const name = event.personal?.name ?? '';
        const token = { id: tokenId, name, hmac, createdAt: at, expiresAt, revokedAt: null, revision: 1 };
        return new Map(tokens).set(tokenId, token);
      }
      case 'token-revoked.v1': {
        const token = tokens.get(tokenId);
        if (!token) return tokens;
        return new Map(tokens).set(tokenId, { ...token, revokedAt: at, revision: token.revision + 1 });
      }
    }
  },
};

const DAY_MS = 86_400_000;

export interface IssueToken {
  tokenId: string;
  userId: string;
  owner: UserState['status'];
  name: string;
  hmac: string;
  /** null for no end. */
  expiresInDays: number | null;
  at: string;
}

export function issueToken(command: IssueToken, tokens: UserTokens, sameNameAs: SameNameAs): Decision<TokenEvent> {
  const { tokenId, userId, owner, name, hmac, expiresInDays, at } = command;
  if (tokens.has(tokenId)) return [];
  if (owner === 'absent') return { refused: 'not-found' };
  if (owner === 'deactivated') return { refused: 'user-inactive' };
  if (owner === 'suspended') return { refused: 'user-suspended' };
  const isSame = sameNameAs(name);
  if ([...tokens.values()].some((token) => works(token, at) && isSame(token.name)))
    return { refused: 'token-name-taken', field: 'name' };
  const expiresAt = expiresInDays === null ? null : new Date(Date.parse(at) + expiresInDays * DAY_MS).toISOString();
  return [{ type: 'token-issued.v1', data: { tokenId, userId, hmac, expiresAt, at }, personal: { name } }];
}

export interface RevokeToken {
  tokenId: string;
  userId: string;
  reason: RevocationReason;
  ifRevision?: number;
  at: string;
}

export function revokeToken(command: RevokeToken, tokens: UserTokens): Decision<TokenEvent> {
  const { tokenId, userId, reason, ifRevision, at } = command;
  const token = tokens.get(tokenId);
  if (!token) return { refused: 'not-found' };
  if (token.revokedAt !== null) return { refused: 'token-already-revoked' };
  if (ifRevision !== undefined && ifRevision !== token.revision) return { refused: 'stale-revision' };
  return [{ type: 'token-revoked.v1', data: { tokenId, userId, reason, at } }];
}

function works({ revokedAt, expiresAt }: Token, at: string): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > at);
}
