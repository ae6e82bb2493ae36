import { runOperator, type Ran } from '../../apps/operator/operator.fixture.js';
import { type EmbeddedSpiceDb, startEmbeddedSpiceDb } from '../../libs/embedded/index.js';
import { loadConfig } from '../../libs/platform/index.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/index.js';
import { refuseFaults, SecretWatch, type Text } from '../../libs/testing/secret-watch.js';
import { checkInvariants, type Report } from '../../libs/verification/index.js';
import { closeRuntime, openRuntime, type Runtime } from '../../libs/wiring/index.js';
import { ServerProcess } from './server-process.js';

export const ADMIN_TOKEN = 'csn_admin_of_processes';
const SPICEDB_KEY = 'key-of-processes-0001';

/** PostgreSQL and SpiceDB, empty, for processes that a test starts and kills. */
export class Servers {
  readonly env: Record<string, string>;
  /** Of what the processes are given and answer; their logs are searched for it in the end. */
  readonly watch: SecretWatch;
  private readonly started = new Set<ServerProcess>();
  private readonly shown: Text[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly spicedb: EmbeddedSpiceDb,
    more: Record<string, string>,
  ) {
    this.env = {
      DATABASE_URL: database.url,
      SPICEDB_ENDPOINT: spicedb.endpoint,
      SPICEDB_PRESHARED_KEY: SPICEDB_KEY,
      ADMIN_TOKEN,
      ...{ PORT: '0', RELAY_PORT: '0', SHUTDOWN_DELAY_MS: '0' },
      ...more,
    };
    this.watch = new SecretWatch(loadConfig(this.env, { mode: 'operator' }), this.env);
  }

  static async start(more: Record<string, string> = {}, presharedKey = SPICEDB_KEY): Promise<Servers> {
    const [database, spicedb] = await Promise.all([
      createTestDatabase({ empty: true }),
      startEmbeddedSpiceDb({ presharedKey }),
    ]);
    await spicedb.open();
    return new Servers(database, spicedb, more);
  }

  async operator(...args: string[]): Promise<Ran> {
    const ran = await runOperator(args, this.env);
    this.shown.push({ place: `operator ${args[0]}`, text: `${ran.out}\n${ran.errors}` });
    return ran;
  }

  async migrate(): Promise<void> {
    const { code, errors } = await this.operator('migrate');
    if (code !== 0) throw new Error(errors);
  }

  /** @param fault point and passage at which it kills itself: `after-append:5` */
  api(fault?: string, env: Record<string, string> = {}): ServerProcess {
    return this.run('api', fault, env);
  }

  relay(fault?: string, env: Record<string, string> = {}): ServerProcess {
    return this.run('relay', fault, env);
  }

  private run(app: 'api' | 'relay', fault: string | undefined, env: Record<string, string>): ServerProcess {
    const script = fault ? `test/faults/faulty-${app}.js` : `apps/${app}/main.js`;
    const child = new ServerProcess(script, { ...this.env, ...env, ...(fault && { FAULT: fault }) });
    this.started.add(child);
    this.watch.knowsOf(env);
    return child;
  }

  async withRuntime<T>(work: (runtime: Runtime) => Promise<T>): Promise<T> {
    const runtime = await openRuntime(loadConfig(this.env, { mode: 'operator' }), { name: 'test' });
    try {
      return await work(runtime);
    } finally {
      await closeRuntime(runtime);
    }
  }

  /** Once everything is delivered, what the checker finds, and how many events have an id that another has. */
  verified(): Promise<{ report: Report; doubled: number }> {
    return this.withRuntime(async ({ log, pool, spicedb, domain, progress }) => {
      await progress.waitFor('delivered', await log.head(), 30_000);
      const report = await checkInvariants({ log, pool, spicedb, domain, partition: 0 });
      const { rows } = await pool.query<{ doubled: number }>(
        'select count(*)::int as doubled from (select id from event_log.event group by id having count(*) > 1) twice',
      );
      return { report, doubled: rows[0]!.doubled };
    });
  }

  /** Those that a test which failed has left. */
  async killAll(): Promise<void> {
    const ended = await Promise.all([...this.started].map((child) => child.kill()));
    for (const { logged, errors } of ended) {
      const text = [...logged.map((line) => JSON.stringify(line)), errors].join('\n');
      this.shown.push({ place: 'the log of a process', text, log: true });
    }
    this.started.clear();
  }

  async stop(): Promise<void> {
    await this.killAll();
    await this.spicedb.stop();
    await this.database.drop();
    refuseFaults(this.watch.faults(this.shown));
  }
}
