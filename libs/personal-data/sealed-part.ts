import { type CipherKey, createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import type { DataKey } from './data-key.js';

/** Personal fields of one person, as they are stored. */
export interface SealedPart {
  readonly sealed: 'v1';
  /** Whose they are: `user:01J…`. */
  readonly subject: string;
  /** Base64 of the nonce, the ciphertext and the tag. */
  readonly box: string;
}

/** Where a part belongs: elsewhere it can't be opened. */
export interface SealedPlace {
  eventId: string;
  part: 'event' | 'metadata';
}

/** A part that was changed, moved to another place, or made with another key. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const OPTIONS = { authTagLength: TAG_BYTES };

const nonces = Buffer.alloc(NONCE_BYTES * 512);
let used = nonces.length;

/** A call of the random number generator for each nonce would take as long as the rest of the sealing. */
function freshNonce(): Buffer {
  if (used === nonces.length) {
    randomFillSync(nonces);
    used = 0;
  }
  used += NONCE_BYTES;
  return nonces.subarray(used - NONCE_BYTES, used);
}

export function isSealed(part: unknown): part is SealedPart {
  return (part as Partial<SealedPart> | null | undefined)?.sealed === 'v1';
}

export function sealPart(fields: object, key: DataKey, subject: string, place: SealedPlace): SealedPart {
  const box = encrypt(key.bytes, Buffer.from(JSON.stringify(fields)), boundTo(subject, place));
  return { sealed: 'v1', subject, box: box.toString('base64') };
}

/** @throws SealBroken */
export function openPart({ subject, box }: SealedPart, key: DataKey, place: SealedPlace): object {
  const opened = decrypt(key.bytes, Buffer.from(box, 'base64'), boundTo(subject, place));
  if (!opened) throw new SealBroken(`the ${place.part} part of event ${place.eventId} is not what ${subject} sealed`);
  return JSON.parse(opened.toString()) as object;
}

function boundTo(subject: string, { eventId, part }: SealedPlace): Buffer {
  return Buffer.from(`v1\n${subject}\n${eventId}\n${part}`);
}

/** @returns nonce, ciphertext, tag */
export function encrypt(key: CipherKey, content: Buffer, bound: Buffer): Buffer {
  const nonce = freshNonce();
  const cipher = createCipheriv(CIPHER, key, nonce, OPTIONS).setAAD(bound);
  return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** @returns undefined where it was not made with this key for this place */
export function decrypt(key: CipherKey, box: Buffer, bound: Buffer): Buffer | undefined {
  if (box.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, box.subarray(0, NONCE_BYTES), OPTIONS).setAAD(bound);
  decipher.setAuthTag(box.subarray(-TAG_BYTES));
  const content = decipher.update(box.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
    return content;
  } catch {
    return undefined;
  }
}
