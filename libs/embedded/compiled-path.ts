import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const runsFromSources = import.meta.url.endsWith('.ts');

/**
 * Absolute path of a file of the project that isn't compiled, such as a migration.
 *
 * @param path relative to the project root
 */
export function projectPath(path: string): string {
  return fileURLToPath(new URL(path, new URL(runsFromSources ? '../../' : '../../../', import.meta.url)));
}

/**
 * Absolute path of a compiled script, for starting it as a child process. Works in compiled code and in code that
 * runs from its TypeScript sources (jest), where the script is looked up in `dist/`.
 *
 * @param script relative to the project root, for example `libs/embedded/spicedb-gateway.js`
 * @throws when the project hasn't been built
 */
export function compiledPath(script: string): string {
  const path = projectPath(`dist/${script}`);
  if (!existsSync(path)) throw new Error(`${path} is missing. Run "npm run build" and start again.`);
  return path;
}
