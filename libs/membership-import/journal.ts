import type { DeciderRuntime } from '../event-store/index.js';
import type { Clock } from '../platform/index.js';
import type { Change } from './history.js';
import type { ImportContexts } from './import-contexts.js';
import { importIdOf, importJournal, importStream, recordProgress, type RefusedLine } from './import-journal.decider.js';
import type { Mark } from './scan-history.js';

const LINES_BETWEEN = 1_000;

interface JournalOptions {
  runtime: DeciderRuntime;
  contexts: ImportContexts;
  clock: Clock;
}

/**
 * Where an import goes on. What is done since the last progress is repeated by the next import: commands that appended
 * something are recognised, but one that found nothing to do is decided anew. So no two changes between two progresses
 * touch the same person in the same organisation: then a repeat meets nothing but what its own change did.
 */
export class Journal {
  private readonly touched = new Set<string>();
  private readonly refusedSince: RefusedLine[] = [];
  private linesSaved: number;
  private last: Mark | undefined;

  private constructor(
    private readonly importId: string,
    private readonly options: JournalOptions,
    /** How many changes are not to be repeated. */
    readonly reached: number,
    /** What was refused in them. */
    readonly refused: readonly RefusedLine[],
    linesReached: number,
  ) {
    this.linesSaved = linesReached;
  }

  static async open(marks: readonly Mark[], options: JournalOptions): Promise<Journal> {
    const importId = importIdOf(marks[0]?.digest ?? '');
    const { state } = await options.runtime.load(importStream(importId), importJournal);
    const reached = marks.findLastIndex(({ digest }) => state.has(digest)) + 1;
    const passed = marks.slice(0, reached);
    const refused = passed.flatMap(({ digest }) => state.get(digest) ?? []);
    return new Journal(importId, options, reached, refused, passed.at(-1)?.lines ?? 0);
  }

  /** To be awaited before a change is carried out. */
  async before(change: Change): Promise<void> {
    const persons = change.lines.map(({ org, person }) => JSON.stringify([org, person]));
    const enough = (this.last?.lines ?? 0) - this.linesSaved >= LINES_BETWEEN;
    if (enough || persons.some((person) => this.touched.has(person))) await this.save();
    for (const person of persons) this.touched.add(person);
  }

  after(mark: Mark, refused: readonly RefusedLine[]): void {
    this.last = mark;
    this.refusedSince.push(...refused);
  }

  /** Records everything up to the last change that is carried out. */
  async save(): Promise<void> {
    const { last, importId } = this;
    if (!last) return;
    const { runtime, contexts, clock } = this.options;
    const at = clock.now().toISOString();
    const context = { ...contexts.of({ change: last.change, at }, 'progress', last.digest), at };
    const progress = { importId, ...last, refused: [...this.refusedSince], at };
    const stream = importStream(importId);
    const decide = (state: ReadonlyMap<string, readonly RefusedLine[]>) => recordProgress(progress, state);
    await runtime.execute({ stream, decider: importJournal, tenantId: null, context, decide });
    this.touched.clear();
    this.refusedSince.length = 0;
    this.linesSaved = last.lines;
    this.last = undefined;
  }
}
