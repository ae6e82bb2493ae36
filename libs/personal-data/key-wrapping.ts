import type { WrappingKey } from '../platform/core.js';
import { DataKey } from './data-key.js';
import { decrypt, encrypt } from './sealed-part.js';

export interface WrappedKey {
  wrappedKey: Buffer;
  wrappingKeyId: string;
}

/** A key that is stored can't be used with the wrapping keys that are configured. */
export class WrappingKeyRefused extends Error {
  override readonly name = 'WrappingKeyRefused';
}

/** Wraps with the first of the keys that are configured, unwraps with any. */
export class KeyWrapping {
  constructor(private readonly keys: readonly [WrappingKey, ...WrappingKey[]]) {}

  get currentId(): string {
    return this.keys[0].id;
  }

  wrap(subject: string, key: DataKey): WrappedKey {
    const [{ id, key: wrapping }] = this.keys;
    return { wrappedKey: encrypt(wrapping, key.bytes, boundTo(subject, id)), wrappingKeyId: id };
  }

  /** @throws WrappingKeyRefused */
  unwrap(subject: string, { wrappedKey, wrappingKeyId }: WrappedKey): DataKey {
    const wrapping = this.keys.find(({ id }) => id === wrappingKeyId);
    if (!wrapping) {
      throw new WrappingKeyRefused(
        `keys of personal data are wrapped by the key ${wrappingKeyId}, which PERSONAL_DATA_KEYS does not have: add ` +
          'it after the current one, and remove it only once operator rotate-keys has gone through',
      );
    }
    const key = decrypt(wrapping.key, wrappedKey, boundTo(subject, wrappingKeyId));
    if (!key) {
      throw new WrappingKeyRefused(
        `the key ${wrappingKeyId} of PERSONAL_DATA_KEYS is not the one that wrapped the stored key of ${subject}`,
      );
    }
    return new DataKey(key);
  }
}

function boundTo(subject: string, wrappingKeyId: string): Buffer {
  return Buffer.from(`subject-key.v1\n${subject}\n${wrappingKeyId}`);
}
