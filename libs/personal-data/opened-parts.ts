import { LRUCache } from 'lru-cache';
import type { DataKey } from './data-key.js';
import { openPart, type SealedPart } from './sealed-part.js';

interface OpenedPart {
  part: SealedPart;
  key: DataKey;
  fields: object;
}

/** About 5 MB, and some two hundred pages of an audit log. */
const REMEMBERED_PARTS = 10_000;

/**
 * Remembers what it opened, for who reads the same parts again and again: opening takes as long as all else that a list
 * does with an entry.
 */
export class OpenedParts {
  private readonly opened = new LRUCache<string, OpenedPart>({ max: REMEMBERED_PARTS });

  /** The fields are shared, and must not be changed. @throws SealBroken */
  readonly open: typeof openPart = (part, key, place) => {
    const at = `${place.eventId} ${place.part}`;
    const known = this.opened.get(at);
    if (known && known.key === key && known.part.box === part.box && known.part.subject === part.subject) {
      return known.fields;
    }
    const fields = openPart(part, key, place);
    this.opened.set(at, { part, key, fields });
    return fields;
  };

  /** After an erasure nothing of it may stay in memory. */
  forgetAll(): void {
    this.opened.clear();
  }
}
