import { SingleBar } from 'cli-progress';
import { SpiceDbUnavailable } from '../../libs/authorization/index.js';
import { EventLogUnavailable } from '../../libs/event-store/index.js';
import { ConfigurationRefused, isConnectionError, problemFor, problemKind, Refused } from '../../libs/platform/index.js';

/** 0 done; 1 a difference, or not done; 2 the call or the configuration is wrong; 3 something does not answer. */
export const EXIT = { done: 0, failed: 1, usage: 2, unavailable: 3 } as const;

/** Prints what a command found: for people, or as one JSON document. */
export function print(json: boolean | undefined, found: object, describe: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(found)}\n` : `${describe()}\n`);
}

/** Tells what went wrong and what to do next, without a stack. @returns the exit code */
export function explain(error: unknown): number {
  const { message } = error as Error;
  if (error instanceof Refused) {
    const problem = problemKind(error.code) && problemFor(error.code, error.detail);
    process.stderr.write(problem ? `${problem.title}. ${problem.next}\n` : `${message}\n`);
    return EXIT.failed;
  }
  process.stderr.write(`${message}\n`);
  if (error instanceof ConfigurationRefused) return EXIT.usage;
  const away = error instanceof SpiceDbUnavailable || error instanceof EventLogUnavailable || isConnectionError(error);
  return away ? EXIT.unavailable : EXIT.failed;
}

/** A bar on standard error with rate and time left, where somebody watches. */
export class ProgressBar {
  private bar: SingleBar | undefined;

  constructor(
    private readonly name: string,
    private readonly wanted = process.stderr.isTTY,
  ) {}

  show(value: number, total: number, rate: number): void {
    if (!this.wanted || total <= 0) return;
    if (!this.bar) {
      const format = `${this.name} [{bar}] {percentage}% | {value}/{total} | {rate}/s | {eta_formatted} left`;
      this.bar = new SingleBar({ format, stream: process.stderr, hideCursor: true, etaBuffer: 200 });
      this.bar.start(total, 0, { rate: 0 });
    }
    this.bar.setTotal(total);
    this.bar.update(Math.max(value, 0), { rate: Math.round(rate) });
  }

  stop(): void {
    this.bar?.stop();
  }
}

/** Rows as aligned columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()).join('\n');
}
