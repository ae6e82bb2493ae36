import cliProgress from 'cli-progress';
import { EXIT, failureOf } from '../../libs/wiring/index.js';

export { EXIT };

// Node finds only some of its names.
const { Format, SingleBar } = cliProgress;

/** Prints what a command found: for people, or as one JSON document. */
export function print(json: boolean | undefined, found: object, describe: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(found)}\n` : `${describe()}\n`);
}

export function isJsonAsked(): boolean {
  return process.argv.includes('--json');
}

/** Tells what went wrong and what to do next, without a stack. @returns the exit code */
export function explain(error: unknown): number {
  const { exitCode, message } = failureOf(error);
  return tell(exitCode, message);
}

/** @returns the exit code */
export function tell(exitCode: number, message: string): number {
  if (isJsonAsked()) process.stdout.write(`${JSON.stringify({ error: { exitCode, message } })}\n`);
  else process.stderr.write(`${message}\n`);
  return exitCode;
}

/** What shells expect of a command that Ctrl-C ended. */
export const INTERRUPTED = 130;

/** Ctrl-C and SIGTERM end the work at once; the terminal is as it was before, and told what to do. */
export async function stoppable<T>(work: () => Promise<T>): Promise<T> {
  const stop = (): void => {
    ProgressBar.stopAll();
    process.exit(tell(INTERRUPTED, 'Stopped. The same command goes on from here, or begins anew.'));
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await work();
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** A bar on standard error with rate and time left, where somebody watches. */
export class ProgressBar {
  private static readonly shown = new Set<ProgressBar>();
  private bar: cliProgress.SingleBar | undefined;
  private began = 0;
  private first = 0;

  constructor(
    private readonly name: string,
    private readonly wanted = process.stderr.isTTY,
  ) {}

  /** @param rate a second; since the bar began unless told */
  show(value: number, total: number, rate?: number, note = ''): void {
    if (!this.wanted || total <= 0) return;
    this.bar ??= this.begin(value, total);
    const seconds = (performance.now() - this.began) / 1_000;
    this.bar.setTotal(total);
    this.bar.update(Math.max(value, 0), {
      rate: Math.round(rate ?? (seconds > 0 ? (value - this.first) / seconds : 0)),
      note: note && ` | ${note}`,
    });
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
    ProgressBar.shown.delete(this);
  }

  static stopAll(): void {
    for (const bar of ProgressBar.shown) bar.stop();
  }

  private begin(first: number, total: number): cliProgress.SingleBar {
    const format = `${this.name} [{bar}] {percentage}% | {value}/{total} | {rate}/s | {eta_formatted} left{note}`;
    const bar = new SingleBar({ format, stream: process.stderr, hideCursor: true, etaBuffer: 200, formatTime });
    bar.start(total, Math.max(first, 0), { rate: 0, note: '' });
    ProgressBar.shown.add(this);
    this.began = performance.now();
    this.first = first;
    return bar;
  }
}

/** @param left seconds; a word of the bar's own while it cannot tell yet */
const formatTime: typeof Format.TimeFormat = (left, options, step) =>
  Number.isFinite(left) ? Format.TimeFormat(left, options, step) : '?';

/** Rows as aligned columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
