import type { DeciderRuntime } from '../event-store/index.js';
import type { Clock } from '../platform/index.js';
import type { ImportContexts } from './import-contexts.js';
import { importIdOf, importJournal, importStream, recordProgress, type RefusedLine } from './import-journal.decider.js';
import type { Mark } from './scan-history.js';

interface JournalOptions {
  runtime: DeciderRuntime;
  contexts: ImportContexts;
  clock: Clock;
}

/** What is carried out of a history, as the log has it. */
export class Journal {
  private constructor(
    private readonly importId: string,
    private readonly options: JournalOptions,
    /** How many changes are carried out. */
    readonly reached: number,
    /** What was refused in them. */
    readonly refused: readonly RefusedLine[],
  ) {}

  static async open(marks: readonly Mark[], options: JournalOptions): Promise<Journal> {
    const importId = importIdOf(marks[0]?.digest ?? '');
    const { state } = await options.runtime.load(importStream(importId), importJournal);
    const reached = marks.findLastIndex(({ digest }) => state.has(digest)) + 1;
    const refused = marks.slice(0, reached).flatMap(({ digest }) => state.get(digest) ?? []);
    return new Journal(importId, options, reached, refused);
  }

  /** Records that everything up to a change is carried out, with what was refused since the last record. */
  async record(mark: Mark, refused: readonly RefusedLine[]): Promise<void> {
    const { importId } = this;
    const { runtime, contexts, clock } = this.options;
    const at = clock.now().toISOString();
    const context = contexts.of({ change: mark.change, at }, 'progress', mark.digest);
    const progress = { importId, ...mark, refused, at };
    await runtime.execute({
      stream: importStream(importId),
      decider: importJournal,
      tenantId: null,
      context,
      decide: (state) => recordProgress(progress, state),
    });
  }
}
