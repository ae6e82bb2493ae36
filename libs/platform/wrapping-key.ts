import { createSecretKey, type KeyObject } from 'node:crypto';

/** A key that other keys are stored under. */
export interface WrappingKey {
  /** Stands beside what it wraps, so that the right one is found again after a rotation. */
  id: string;
  key: KeyObject;
}

const KEY_BYTES = 32;
const WRITTEN = /^([A-Za-z0-9_-]{1,64}):([A-Za-z0-9+/_-]{43}=?)$/;

/** Reads `id:base64 of 32 bytes`, with commas between several; undefined where it is something else. */
export function parseWrappingKeys(text: string): readonly [WrappingKey, ...WrappingKey[]] | undefined {
  const keys = text.split(',').map(parseOne);
  const ids = new Set(keys.map((key) => key?.id));
  if (keys.includes(undefined) || ids.size < keys.length) return undefined;
  return keys as [WrappingKey, ...WrappingKey[]];
}

function parseOne(text: string): WrappingKey | undefined {
  const [, id, encoded] = WRITTEN.exec(text.trim()) ?? [];
  const bytes = Buffer.from(encoded ?? '', 'base64');
  return id !== undefined && bytes.length === KEY_BYTES ? { id, key: createSecretKey(bytes) } : undefined;
}
