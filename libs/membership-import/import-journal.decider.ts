import type { Decider, Decision, DomainEvent } from '../event-store/index.js';

/** A line that a decider refused for good. */
export interface RefusedLine {
  line: number;
  code: string;
}

/** Everything up to a change is carried out, and is not to be decided anew: by now it may mean something else. */
export type ImportProgressed = DomainEvent<
  'import-progressed.v1',
  {
    importId: string;
    change: number;
    /** Of the history, up to the change. */
    lines: number;
    digest: string;
    /** Since the last progress. */
    refused: readonly RefusedLine[];
    at: string;
  }
>;

/** Digest of a history up to a change → what was refused on the way there. */
export type ImportJournal = ReadonlyMap<string, readonly RefusedLine[]>;

export const importJournal: Decider<ImportJournal, ImportProgressed> = {
  name: 'import-journal',
  initial: new Map(),
  evolve: (journal, { data: { digest, refused } }) => new Map(journal).set(digest, refused),
};

export function recordProgress(progress: ImportProgressed['data'], journal: ImportJournal): Decision<ImportProgressed> {
  return journal.has(progress.digest) ? [] : [{ type: 'import-progressed.v1', data: progress }];
}

/** Histories that begin with the same change share a journal: one that was continued goes on where the first ended. */
export function importIdOf(firstDigest: string): string {
  return firstDigest.slice(0, 32);
}

export const importStream = (importId: string): string => `import-${importId}`;
