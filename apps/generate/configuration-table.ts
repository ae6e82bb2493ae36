import { readFile } from 'node:fs/promises';
import { projectPath } from '../../libs/embedded/index.js';
import { configurationTable } from '../../libs/platform/index.js';

const START = '<!-- generated: configuration -->';
const END = '<!-- end -->';

/** README.md with its table as the code has it. */
export async function renderConfiguration(): Promise<string> {
  const text = await readFile(projectPath('README.md'), 'utf8');
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  if (start < 0 || end < start)
    throw new Error(`README.md has no place for the configuration table: ${START} … ${END}`);
  const rows = configurationTable().map(
    ({ name, default: byDefault, meaning, accepted }) =>
      `| \`${name}\` | ${cell(byDefault)} | ${cell(meaning)} | ${cell(accepted)} |`,
  );
  const table = `| variable | default | meaning | accepted |\n|---|---|---|---|\n${rows.join('\n')}`;
  return `${text.slice(0, start + START.length)}\n\n${table}\n\n${text.slice(end)}`;
}

function cell(text: string): string {
  return text === '' ? '–' : text.replaceAll('|', '\\|');
}
