import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectPath } from '../../libs/embedded/index.js';
import type { MissingPeer } from './bench-row.js';

type LoadPeer = (name: string) => Promise<unknown>;

/** The packages to compare with; they are installed apart from the product's. */
export function installedPeers(): LoadPeer | MissingPeer {
  const manifest = projectPath('test/bench/peers/package.json');
  const installed = join(manifest, '..', 'node_modules', '@event-driven-io', 'emmett-postgresql');
  if (!existsSync(installed)) return { missing: 'npm ci --prefix test/bench/peers' };
  const peers = createRequire(manifest);
  return async (name) => import(pathToFileURL(peers.resolve(name)).href);
}
