import { LRUCache } from 'lru-cache';
import type { DataKey } from './data-key.js';
import { openPart, type SealedPart, type SealedPlace, sealPart } from './sealed-part.js';

interface OpenedPart {
  part: SealedPart;
  key: DataKey;
  fields: object;
}

/** About 5 MB, and some two hundred pages of an audit log. */
const REMEMBERED_PARTS = 10_000;

/**
 * Remembers what it opened and sealed, for who reads the same parts again and again: opening takes as long as all else
 * that a list does with an entry.
 */
export class OpenedParts {
  private readonly opened = new LRUCache<string, OpenedPart>({ max: REMEMBERED_PARTS });

  /** The fields are shared, and must not be changed. @throws SealBroken */
  readonly open: typeof openPart = (part, key, place) => {
    const known = this.opened.get(keyOf(place));
    if (known && known.key === key && known.part.box === part.box && known.part.subject === part.subject) {
      return known.fields;
    }
    const fields = openPart(part, key, place);
    this.opened.set(keyOf(place), { part, key, fields });
    return fields;
  };

  /** Whoever gives the fields must not change them afterwards. */
  readonly seal: typeof sealPart = (fields, key, subject, place) => {
    const part = sealPart(fields, key, subject, place);
    this.opened.set(keyOf(place), { part, key, fields });
    return part;
  };

  /** After an erasure nothing of it may stay in memory. */
  forgetAll(): void {
    this.opened.clear();
  }
}

function keyOf({ eventId, part }: SealedPlace): string {
  return `${eventId} ${part}`;
}
