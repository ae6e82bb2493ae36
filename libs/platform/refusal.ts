export interface RefusalExtra {
  /** Dot path of the field at fault. */
  field?: string;
  /** Seconds for the `Retry-After` header, where another value than the catalogue's is known. */
  retryAfter?: number;
  /** Further members of the answer. */
  [key: string]: unknown;
}

/** Codes of what time mends. */
const PASSING: ReadonlySet<string> = new Set(['not-yet', 'dependency-unavailable', 'too-much-contention']);

/** Something that was asked and is not done, for a reason the caller can act on. */
export class Refused extends Error {
  override readonly name = 'Refused';

  /** @param code a stable kebab-case code that `defineProblems` has declared */
  constructor(
    readonly code: string,
    readonly detail?: string,
    readonly extra?: RefusalExtra,
  ) {
    super(detail === undefined ? code : `${code}: ${detail}`);
  }

  /** Whether the same may well be done later. */
  get isPassing(): boolean {
    return PASSING.has(this.code);
  }
}
