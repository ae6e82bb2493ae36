import { createHash } from 'node:crypto';
import { Refused } from './refusal.js';
import { sign, verify } from './signed-token.js';

const VERSION = 1;

/** The values of the sort columns in the last row that was handed out. */
export type CursorPosition = readonly (string | number | boolean | null)[];

export interface CursorPurpose {
  /** Name of the list, with the scope it was read in. */
  list: string;
  /** The filters of the list as they were asked; the order of their names doesn't matter. */
  filters?: { [name: string]: unknown };
}

function purposeHash({ list, filters = {} }: CursorPurpose): string {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined);
  given.sort(([left], [right]) => (left < right ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([list, given]))
    .digest('base64url')
    .slice(0, 22);
}

export function encodeCursor(position: CursorPosition, purpose: CursorPurpose, key: string): string {
  return sign({ v: VERSION, p: purposeHash(purpose), k: position }, key);
}

/**
 * The position a cursor of this very list stands at.
 * @throws Refused `malformed-query` for a forged cursor and for one of another list or other filters
 */
export function decodeCursor(cursor: string, purpose: CursorPurpose, key: string): CursorPosition {
  const payload = verify(cursor, key);
  if (payload?.v !== VERSION || payload.p !== purposeHash(purpose) || !Array.isArray(payload.k))
    throw new Refused('malformed-query', 'cursor is not one that this list gave for these filters', {
      field: 'cursor',
    });
  return payload.k as CursorPosition;
}
