import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { projectPath } from '../../libs/embedded/index.js';
import { withCatalogue } from '../../libs/roles/index.js';
import { migrationNames } from '../../libs/platform/index.js';
import { buildDomain } from '../../libs/wiring/index.js';
import { renderConfiguration } from './configuration-table.js';
import { collectSamplesFrom, loadSamples } from './event-samples.js';
import { renderEventCatalogue } from './event-catalogue.js';
import { renderOpenApi } from './openapi-document.js';

interface Options {
  check?: boolean;
  samplesFrom?: string;
}

const options = new Command('generate')
  .description(
    'Writes what is generated: docs/events.md, openapi.json, the table of configuration in README.md, and what schema.zed says of the catalogue.',
  )
  .option('--check', 'write nothing; exit 1 where a file is not what would be written')
  .option('--samples-from <url>', 'PostgreSQL event log to take golden samples from, for event types that have none')
  .parse()
  .opts<Options>();

const domain = buildDomain();
if (options.samplesFrom) await collectSamplesFrom(options.samplesFrom);
const samples = await loadSamples();
const missing = domain.registry.types.filter((type) => !samples.has(type));
if (missing.length > 0) {
  console.error(`event types without a golden sample in test/golden/events: ${missing.join(', ')}`);
  process.exitCode = 1;
}

// Two branches may each have taken the next number.
await migrationNames(projectPath('migrations'));

const files = new Map([
  ['docs/events.md', renderEventCatalogue(domain, samples)],
  ['openapi.json', await renderOpenApi()],
  ['README.md', await renderConfiguration()],
  ['schema.zed', withCatalogue(await readFile(projectPath('schema.zed'), 'utf8'))],
]);
for (const [name, wanted] of files) {
  const path = projectPath(name);
  const found = await readFile(path, 'utf8').catch(() => '');
  if (found === wanted) continue;
  if (options.check) {
    console.error(`${name} is out of date: run npm run generate`);
    process.exitCode = 1;
    continue;
  }
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, wanted);
  console.log(`wrote ${name}`);
}
process.exit();
