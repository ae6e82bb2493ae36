import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { base62 } from './base62.js';
import type { Ids } from './ids.js';

/** `pat`: a person's, `sat`: a service account's, `key`: a person's for one tenant (API key). */
export type TokenKind = 'pat' | 'sat' | 'key';

export interface ParsedToken {
  kind: TokenKind;
  id: string;
  secret: string;
}

export interface Pepper {
  /** Names the pepper in what is stored, so that the right one is found again after a rotation. */
  version: string;
  key: string;
}

const SECRET_BYTES = 32;
const TOKEN = /^csn_(pat|sat|key)_([0-7][0-9A-HJKMNP-TV-Z]{25})_([0-9A-Za-z]{43})_([0-9A-Za-z]{6})$/;

/** The text before the checksum is all it covers. */
function checksum(text: string): string {
  return base62(BigInt(crc32(text)), 6);
}

export function pepperOf(key: string): Pepper {
  return { version: createHash('sha256').update(`pepper-version\0${key}`).digest('hex').slice(0, 8), key };
}

/** @param id ULID under which the HMAC is stored */
export function mintToken(kind: TokenKind, id: string, ids: Ids, pepper: Pepper): { token: string; hmac: string } {
  const secret = ids.secret(SECRET_BYTES);
  const text = `csn_${kind}_${id}_${secret}`;
  return { token: `${text}_${checksum(text)}`, hmac: tokenHmac(secret, pepper) };
}

/** The parts of a well-formed token; a mistyped or invented one is told without asking a database. */
export function parseToken(text: string): ParsedToken | undefined {
  const match = TOKEN.exec(text);
  if (!match) return undefined;
  const [, kind, id, secret, given] = match as unknown as [string, TokenKind, string, string, string];
  return checksum(text.slice(0, -7)) === given ? { kind, id, secret } : undefined;
}

/** What is stored instead of the secret: `<pepper version>.<HMAC-SHA-256>`. */
export function tokenHmac(secret: string, pepper: Pepper): string {
  return `${pepper.version}.${createHmac('sha256', pepper.key).update(secret).digest('base64url')}`;
}

/** Whether the stored HMAC was made of this secret with one of these peppers. */
export function matchesHmac(secret: string, stored: string, peppers: readonly Pepper[]): boolean {
  const pepper = peppers.find(({ version }) => stored.startsWith(`${version}.`));
  if (!pepper) return false;
  const expected = Buffer.from(tokenHmac(secret, pepper));
  const given = Buffer.from(stored);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
