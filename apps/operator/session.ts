import type { INestApplicationContext } from '@nestjs/common';
import { Option } from 'commander';
import type { CommandContext } from '../../libs/event-store/index.js';
import { createLogger, isLine, openDestination } from '../../libs/platform/index.js';
import type { Stage } from '../../libs/projections/index.js';
import { closeRuntime, openRuntime, requireTables, type Runtime, UsageError } from '../../libs/wiring/index.js';
import { createCommandContext } from '../relay/start-relay.js';
import { type Closing, reachServers } from './reach-servers.js';

/** What a command works with: the configured servers, or those of the data folder. */
export interface OperatorSession {
  runtime: Runtime;
  /** Command handlers. */
  context: INestApplicationContext;
  /** Whether SpiceDB is an embedded one that was not needed, and does not run. */
  spicedbAtRest: boolean;
  close(): Promise<void>;
}

export interface Needs {
  /** Where one would have to be started for the command. */
  spiceDb?: boolean;
  /** Those of this version. */
  tables?: boolean;
}

/** A replay uses three at once, beside the one that listens. */
const FEWEST_CONNECTIONS = 5;

/**
 * Connects to what DATABASE_URL, SPICEDB_ENDPOINT and EVENTSTORE_URL name; what they do not is taken from the data
 * folder: the parts that run on it, or parts of its own for the time of the command.
 */
export async function openSession(
  env: NodeJS.ProcessEnv,
  { spiceDb = true, tables = true }: Needs = {},
): Promise<OperatorSession> {
  const closing: Closing = [];
  const close = async (): Promise<void> => {
    for (let step = closing.pop(); step; step = closing.pop()) await step();
  };
  try {
    const { config, spicedbAtRest } = await reachServers(env, spiceDb, closing);
    const databasePoolMax = Math.max(config.databasePoolMax, FEWEST_CONNECTIONS);
    const runtime = await openRuntime({ ...config, databasePoolMax }, { name: 'operator' });
    closing.push(() => closeRuntime(runtime));
    if (tables) await requireTables(runtime.pool);
    // Standard output is for what the command finds.
    const destination = openDestination(2);
    const context = await createCommandContext(
      runtime,
      createLogger({ level: 'error', name: 'operator', destination }),
    );
    closing.push(() => context.close());
    return { runtime, context, spicedbAtRest: spicedbAtRest && !spiceDb, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Who says so in the log: the operating system's user, at this command line. */
export function operatorContext({ clock, ids }: Runtime, operator: string): CommandContext {
  return {
    commandId: ids.uuid(),
    actor: { type: 'system', id: 'operator' },
    authentication: 'operator',
    correlationId: ids.uuid(),
    causationId: null,
    at: clock.now().toISOString(),
    personal: { actorName: operator },
  };
}

/** By whose name the record knows who gave a command. */
export function operatorOption(): Option {
  return new Option('--operator <name>', 'who does it')
    .default(process.env['USER'] ?? 'operator')
    .argParser(lineOf('--operator'));
}

const LONGEST_LINE = 255;

/** For options that go on the record. @throws UsageError */
export function lineOf(option: string): (text: string) => string {
  return (text) => {
    if (isLine(text, LONGEST_LINE)) return text;
    throw new UsageError(
      `${option} takes 1 to ${LONGEST_LINE} characters, without control characters and outer spaces.`,
    );
  };
}

const LONGEST_WAIT_MS = 10_000;

/** Whether what was recorded at a position is delivered, or at least committed; waits for it where a relay is active. */
export async function isEffective(
  { runtime }: OperatorSession,
  position: number,
  stage: Stage = 'delivered',
): Promise<boolean> {
  const { pool, progress } = runtime;
  const { rowCount } = await pool.query('select 1 from relay_lease where expires_at > clock_timestamp()');
  return progress.waitFor(stage, position, rowCount ? LONGEST_WAIT_MS : 0);
}
