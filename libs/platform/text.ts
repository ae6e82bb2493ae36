// Controls, line separators, and characters that nobody sees and that turn or split text. Joiners stay: scripts and
// emoji need them.
const NOT_IN_A_LINE = /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;
const NOT_IN_FREE_TEXT = /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const LONE_SURROGATE = /\p{Cs}/u;
const VISIBLE = /[^\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** A lone surrogate can't be stored as UTF-8. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/** The longest text is of 2,000 characters, and at most six units become one: what is longer is too long anyway. */
const LONGEST_NORMALISED = 12_000;

/** Marks that stand in disorder behind a letter are sorted in quadratic time: 30,000 of them would take 300 ms. */
function nfc(text: string): string {
  return text.length > LONGEST_NORMALISED ? text : text.normalize('NFC');
}

/** One line: NFC, without control characters and without spaces at its ends. */
export function normaliseLine(text: string): string {
  return nfc(text.replace(NOT_IN_A_LINE, '').trim()).trim();
}

/** NFC without control characters, but with its line breaks (as `\n`) and tabs. */
export function normaliseFreeText(text: string): string {
  return nfc(text.replace(/\r\n?/g, '\n').replace(NOT_IN_FREE_TEXT, '').trim()).trim();
}

export function codePoints(text: string): number {
  return Array.from(text).length;
}

export function hasVisibleCharacter(text: string): boolean {
  return VISIBLE.test(text);
}

/** A normalised line of 1 to `max` code points, at least one of them visible. */
export function isLine(text: string, max: number): boolean {
  return isWellFormed(text) && hasVisibleCharacter(text) && codePoints(text) <= max && normaliseLine(text) === text;
}

/** What names have in common that count as the same: in upper case ß is SS, and ς is Σ. */
export function nameKey(name: string): string {
  return name
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC');
}

export type SameNameAs = (name: string) => (other: string) => boolean;

export const sameNameAs: SameNameAs = (name) => {
  const key = nameKey(name);
  return (other) => nameKey(other) === key;
};
