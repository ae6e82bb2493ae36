import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Builds what has changed, then runs a compiled script in this process: node scripts/run.mjs apps/operator/main.js …
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [script, ...args] = process.argv.slice(2);

function newest(folder) {
  return Math.max(
    0,
    ...readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'node_modules' ? 0 : newest(path);
      return entry.name.endsWith('.ts') ? statSync(path).mtimeMs : 0;
    }),
  );
}

const stamp = join(root, 'dist', '.built');
const sources = ['apps', 'libs', 'test'].map((name) => join(root, name)).filter((path) => existsSync(path));
if (!existsSync(stamp) || statSync(stamp).mtimeMs < Math.max(...sources.map(newest))) {
  const nest = createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
  const built = spawnSync(process.execPath, [nest, 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (built.status !== 0) process.exit(built.status ?? 1);
  const { writeFileSync } = await import('node:fs');
  writeFileSync(stamp, '');
}
process.argv = [process.execPath, join(root, 'dist', script), ...args];
await import(pathToFileURL(process.argv[1]).href);
