import { createHash, hash, randomBytes, randomUUID } from 'node:crypto';
import { encodeTime, TIME_LEN, ulid } from 'ulid';
import { v4 } from 'uuid';
import { base62, base62Length } from './base62.js';

export interface Ids {
  /** Sorts by time; 80 random bits. */
  ulid(at: Date): string;
  uuid(): string;
  /** Base62 text of so many random bytes, always the same length. */
  secret(bytes: number): string;
}

/** Injection token of the Ids. */
export const IDS = Symbol('Ids');

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
const ULID_RANDOM_CHARACTERS = 16;
const PROJECT_NAMESPACE = Buffer.from('6f2a1c1e3c0b5d4f9a530c6f1b7de2a4', 'hex');

function numberOf(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`);
}

function idsFrom(bytes: (count: number) => Buffer): Ids {
  return {
    ulid(at) {
      const random = bytes(ULID_RANDOM_CHARACTERS).values();
      // The package takes the time 0 for none, so it makes the random part alone.
      return encodeTime(at.getTime()) + ulid(1, () => random.next().value! / 256).slice(TIME_LEN);
    },
    uuid: () => v4({ random: bytes(16) }),
    secret: (count) => base62(numberOf(bytes(count)), base62Length(count)),
  };
}

export const systemIds: Ids = { ...idsFrom(randomBytes), uuid: () => randomUUID() };

/** The same seed gives the same ids in the same order: for tests only. */
export function deterministicIds(seed: string): Ids {
  let calls = 0;
  return idsFrom((count) => {
    const blocks: Buffer[] = [];
    const call = calls++;
    for (let length = 0; length < count; length += 32)
      blocks.push(createHash('sha256').update(`${seed}/${call}/${length}`).digest());
    return Buffer.concat(blocks).subarray(0, count);
  });
}

/** A UUID (version 5) that depends on nothing but its arguments. */
export function derivedUuid(namespace: string, ...parts: string[]): string {
  const name = Buffer.from(JSON.stringify([namespace, ...parts]));
  const digest = hash('sha1', Buffer.concat([PROJECT_NAMESPACE, name]));
  const variant = '89ab'[parseInt(digest[16]!, 16) % 4];
  const [first, second] = [digest.slice(0, 8), digest.slice(8, 12)];
  return `${first}-${second}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

/** A ULID that depends on nothing but its arguments: the same command mints the same ids whenever it is repeated. */
export function derivedUlid(at: Date, ...parts: string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest();
  return idsFrom((count) => digest.subarray(0, count)).ulid(at);
}

/** True for a ULID in either case. */
export function isUlid(text: unknown): text is string {
  return typeof text === 'string' && ULID.test(text);
}

/** The upper-case form of a ULID in either case, `undefined` for anything else. */
export function normaliseUlid(text: unknown): string | undefined {
  return isUlid(text) ? text.toUpperCase() : undefined;
}
