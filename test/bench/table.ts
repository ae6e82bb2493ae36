import type { BenchRow } from './bench-row.js';

const HEADINGS = ['', 'ours', 'peer or limit', 'unit', 'ratio', 'target', '', ''];

export function outcomeOf({ ratio, target }: BenchRow): string {
  if (ratio === null) return 'not run';
  if (target === undefined) return '';
  return ratio >= target ? 'ok' : 'not reached';
}

export function tableOf(rows: readonly BenchRow[]): string {
  const cells = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const right = (column: number): boolean => [1, 2, 4, 5].includes(column);
  const pad = (cell: string, column: number): string =>
    right(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!);
  return cells.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}

function cellsOf(row: BenchRow): string[] {
  const { name, ours, peer, unit, ratio, target, note = '' } = row;
  const n = (value: number | null | undefined): string => value?.toLocaleString('en') ?? '–';
  return [name, n(ours), n(peer), unit, n(ratio), target === undefined ? '–' : `≥ ${target}`, outcomeOf(row), note];
}

/** The same for a document. */
export function markdownOf(rows: readonly BenchRow[]): string {
  const lines = rows.map((row) => {
    const [name, ours, peer, unit, ratio, target, outcome] = cellsOf(row);
    return `| ${name} | ${ours} ${unit} | ${peer} ${unit} | ${ratio} | ${target} | ${outcome || '–'} |`;
  });
  return ['| row | ours | peer or limit | ratio | target | |', '| - | - | - | - | - | - |', ...lines].join('\n');
}
