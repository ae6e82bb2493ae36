import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, requireFreePort } from './ports.js';
import { processIdentity } from './process-identity.js';
import { startGateway, type Gateway, type GatewayExit } from './spicedb-gateway-process.js';

export interface EmbeddedSpiceDbOptions {
  /** Where everyone connects once it is open, on 127.0.0.1; a free one if omitted or 0. */
  port?: number;
  presharedKey: string;
  /** Gets each line SpiceDB logs. */
  log?: (line: string) => void;
}

export interface EmbeddedSpiceDb {
  /** `127.0.0.1:port`; refuses connections until `open`. */
  endpoint: string;
  presharedKey: string;
  /** Serves at once, with a key of its own: for filling it before others may ask. */
  privateEndpoint: string;
  privateKey: string;
  pid: number;
  /** Starts to listen on the public endpoint. To be called when it is filled. */
  open(): Promise<void>;
  /** Resident memory of the process, in bytes. */
  memoryBytes(): Promise<number>;
  /** Resolves when the process has ended, for whatever reason. */
  exited: Promise<GatewayExit>;
  /** Ends the process at once; the relationships are gone. Safe to call twice. */
  stop(): Promise<void>;
}

/** Short, because the path of a Unix socket inside of it may have 104 bytes at most (macOS). */
const FOLDER_PREFIX = 'csdb-';
const LONGEST_TEMP_FOLDER = 60;
const OWNER_FILE = 'owner';
const ABANDONED_AFTER_MS = 60_000;

/**
 * Starts SpiceDB 1.54 with an empty memory datastore in a process of its own, which ends when this one does. Clients
 * connect without TLS and with the key. It lacks bulk import and export and schema reflection (UNIMPLEMENTED).
 *
 * @throws when the port is taken, or there is no library for this platform
 */
export async function startEmbeddedSpiceDb(options: EmbeddedSpiceDbOptions): Promise<EmbeddedSpiceDb> {
  const port = options.port || (await freePort());
  if (options.port) await requireFreePort(port, 'SPICEDB_PORT', 'SpiceDB');
  const folder = await privateFolder();
  const gateway = startGateway(folder, options.log);
  void gateway.exited.then(() => rm(folder, { recursive: true, force: true })).catch(() => undefined);
  try {
    await writeFile(join(folder, OWNER_FILE), `${gateway.pid} ${processIdentity(gateway.pid) ?? 'gone'}`);
    const keys = { presharedKey: options.presharedKey, privateKey: randomBytes(24).toString('base64url') };
    const { privatePort } = await gateway.ask({ type: 'start', ...keys }, 'started');
    const endpoints = { endpoint: `127.0.0.1:${port}`, privateEndpoint: `127.0.0.1:${privatePort}` };
    const { pid, exited } = gateway;
    return { ...keys, ...endpoints, pid, exited, ...operations(gateway, port, folder) };
  } catch (error) {
    await gateway.kill();
    throw error;
  }
}

function operations(gateway: Gateway, port: number, folder: string) {
  return {
    open: async () => {
      await requireFreePort(port, 'SPICEDB_PORT', 'SpiceDB');
      await gateway.ask({ type: 'open', port }, 'opened');
    },
    memoryBytes: async () => (await gateway.ask({ type: 'memory' }, 'memory')).bytes,
    stop: async () => {
      await gateway.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Only we may enter it: the library's own socket in there asks for no key. */
async function privateFolder(): Promise<string> {
  const place = tmpdir().length <= LONGEST_TEMP_FOLDER ? tmpdir() : '/tmp';
  await removeAbandoned(place);
  return mkdtemp(join(place, FOLDER_PREFIX));
}

/** Folders of processes that were killed together with their parent. */
async function removeAbandoned(place: string): Promise<void> {
  const names = (await readdir(place)).filter((name) => name.startsWith(FOLDER_PREFIX));
  for (const name of names) {
    const folder = join(place, name);
    try {
      const [pid, identity] = (await readFile(join(folder, OWNER_FILE), 'utf8').catch(() => '')).split(' ');
      const { mtimeMs } = await stat(folder);
      const abandoned = identity
        ? processIdentity(Number(pid)) !== identity
        : Date.now() - mtimeMs > ABANDONED_AFTER_MS;
      if (abandoned) await rm(folder, { recursive: true, force: true });
    } catch {
      // Another user's, or just removed by another process.
    }
  }
}
