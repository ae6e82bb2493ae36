import type { TokenKind } from '../platform/index.js';

export interface Bearer {
  token: string;
  /** Whose token the caller says it is; a token tells by itself. */
  kind: TokenKind | undefined;
}

const BEARER = /^Bearer +(?:(User|ServiceAccount) +)?([\x21-\x7e]+) *$/i;

/** What `Authorization: Bearer <token>` says; undefined for anything else. */
export function parseBearer(authorization: string | undefined): Bearer | undefined {
  const [, word, token] = BEARER.exec(authorization ?? '') ?? [];
  if (token === undefined) return undefined;
  if (word === undefined) return { token, kind: undefined };
  return { token, kind: word.toLowerCase() === 'user' ? 'pat' : 'sat' };
}
