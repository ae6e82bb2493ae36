import { readFile } from 'node:fs/promises';
import { projectPath } from '../../libs/embedded/index.js';
import { NO_STREAM } from '../../libs/event-store/index.js';
import type { SourceChange } from '../../libs/outbox/index.js';
import { SubjectKeys } from '../../libs/personal-data/index.js';
import { derivedUuid } from '../../libs/platform/index.js';
import type { Domain } from '../../libs/projections/index.js';
import { buildDomain } from '../../libs/wiring/index.js';
import { checkAtRest } from './at-rest.js';
import { Carrier } from './carrier.js';
import { EffectsOracle, Violation } from './effects-oracle.js';
import { FaultPlan, type Store } from './fault-plan.js';
import { outsideOfFlows } from './flows.js';
import type { Handlers } from './handlers.js';
import { People } from './people.js';
import type { PostgresServer } from './postgres-server.js';
import { Scheduler } from './scheduler.js';
import { Seeded } from './seeded.js';
import { SimulatedLog } from './simulated-log.js';
import { SimulatedNode } from './simulated-node.js';
import { SimulatedPostgres } from './simulated-postgres.js';
import { instantAt, type SimulatedProcess } from './simulated-process.js';
import { SimulatedSpiceDb } from './simulated-spicedb.js';
import type { Repertoire } from './story.js';

/** A protection that is taken away, to see that it is missed. */
export type Protection = 'mark' | 'lease' | 'sources';
export const PROTECTIONS: readonly Protection[] = ['mark', 'lease', 'sources'];

export interface SimulationOptions {
  seed: number;
  without?: Protection;
  /** All where absent. */
  repertoire?: Repertoire;
  /** Faults and calls that are left out, by their numbers. */
  suppressed?: ReadonlySet<number>;
  skipped?: ReadonlySet<number>;
}

export interface Simulated {
  seed: number;
  violation?: Violation;
  trace: string[];
  /** How often each fault was. */
  faults: ReadonlyMap<string, number>;
  /** Numbers of the faults that were, and of the calls that were made. */
  taken: readonly number[];
  made: readonly number[];
  acknowledged: number;
  refused: number;
  events: number;
  steps: number;
  simulatedMs: number;
}

const PEOPLE = 4;
const CALLS_EACH = 6;
/** When nothing goes wrong any more. */
const FAULTS_MS = [1_000, 6_000] as const;
const LONGEST_MS = 180_000;
const REST_MS = 1_600;
const REST_POLL_MS = 200;
const STORES: readonly Store[] = ['log', 'postgres', 'spicedb'];

let schema: Promise<string> | undefined;

/** Plays the story of a seed, faults and all, and checks what the product promises. */
export async function simulate(
  handlers: Handlers,
  server: PostgresServer,
  options: SimulationOptions,
): Promise<Simulated> {
  schema ??= readFile(projectPath('schema.zed'), 'utf8');
  const zed = await schema;
  await server.reset();
  return outsideOfFlows(() => new Simulation(handlers, server, options, zed).run());
}

class Simulation {
  private readonly scheduler = new Scheduler();
  private readonly random: Seeded;
  private readonly trace: string[] = [];
  private readonly faults: FaultPlan;
  private readonly carrier: Carrier;
  private readonly log: SimulatedLog;
  private readonly spicedb: SimulatedSpiceDb;
  private readonly postgres: SimulatedPostgres;
  private readonly oracle: EffectsOracle;
  private readonly nodes: SimulatedNode[];
  private readonly people: People;
  private violation: Violation | undefined;
  private leaseOf: SimulatedProcess | undefined;
  private checkpoint = -1;
  private clocksOff = { postgres: 0, spicedb: 0 };
  private readonly downUntil: Record<Store, number> = { log: 0, postgres: 0, spicedb: 0 };

  constructor(
    private readonly handlers: Handlers,
    private readonly server: PostgresServer,
    private readonly options: SimulationOptions,
    schema: string,
  ) {
    const { seed, suppressed, skipped = new Set(), without, repertoire = 'whole' } = options;
    const { scheduler } = this;
    this.random = new Seeded(`seed ${seed}`);
    this.faults = new FaultPlan(this.random.fork('faults'), suppressed);
    const trace = this.note;
    this.carrier = new Carrier({
      ...{ scheduler, faults: this.faults, random: this.random.fork('calls'), trace },
      crash: (process) => this.crash(process),
      isDown: (store) => this.downUntil[store] > scheduler.now,
    });
    this.log = new SimulatedLog(`log of seed ${seed}`);
    const refused = this.poisonTuples();
    this.spicedb = new SimulatedSpiceDb(schema, () => instantAt(scheduler.now + this.clocksOff.spicedb), {
      refuses: refused,
      ignoresPreconditions: without === 'mark',
    });
    this.oracle = new EffectsOracle(buildDomain(), this.log, this.spicedb, refused);
    this.postgres = this.openPostgres();
    const world = {
      ...{ seed: `seed ${seed}`, scheduler, carrier: this.carrier, faults: this.faults, handlers, trace },
      ...{ log: this.log, postgres: this.postgres, spicedb: this.spicedb, random: this.random.fork('nodes') },
      asRelayed: (domain: Domain) => (without === 'sources' ? lastWriterWins(domain) : domain),
      spicedbAsked: () => this.guard(() => this.oracle.check()),
    };
    this.nodes = [
      ...['api-1', 'api-2'].map((name) => new SimulatedNode(world, name, false)),
      ...['relay-1', 'relay-2'].map((name) => new SimulatedNode(world, name, true)),
    ];
    this.people = new People({
      ...{ scheduler, handlers, log: this.log, trace, skipped, repertoire, apis: this.nodes.slice(0, 2) },
      ...{
        random: this.random.fork('story'),
        now: () => instantAt(scheduler.now),
        signingKey: handlers.config.signingKey,
      },
      fail: (violation) => this.fail(violation),
      isLive: (position) => this.oracle.shows(position),
    });
  }

  async run(): Promise<Simulated> {
    try {
      await this.play();
    } catch (error) {
      this.fail(error);
    }
    for (const { process } of this.nodes) await process.kill();
    await this.server.settle();
    const { log, scheduler, trace, violation, people, faults } = this;
    return {
      ...{ seed: this.options.seed, violation, trace, faults: faults.fired, taken: faults.taken, made: people.made },
      ...{ acknowledged: people.acknowledged, refused: people.refused, events: log.events.length },
      ...{ steps: scheduler.steps, simulatedMs: scheduler.now },
    };
  }

  private async play(): Promise<void> {
    let over = false;
    void this.people.act(PEOPLE, CALLS_EACH).then(
      () => (over = true),
      (error: unknown) => this.fail(error),
    );
    this.befall();
    this.scheduler.in(this.random.fork('calm').between(...FAULTS_MS), () => this.calm());
    await this.runUntil(() => over);
    this.calm();
    await this.rest();
    if (this.violation) return;
    for (const { process } of this.nodes) await process.kill();
    await this.server.settle();
    const { log, server, spicedb, scheduler } = this;
    const domain = buildDomain(new SubjectKeys(server.pool, this.handlers.config.personalDataKeys));
    await checkAtRest({
      ...{ domain, log, pool: server.pool, spicedb, now: () => instantAt(scheduler.now) },
      withoutSources: this.options.without === 'sources',
    });
  }

  private calm(): void {
    this.note('from here on nothing goes wrong');
    this.faults.stop();
    for (const store of STORES) this.downUntil[store] = 0;
  }

  private async runUntil(condition: () => boolean): Promise<void> {
    while (!condition() && !this.violation) {
      if (!(await this.scheduler.step())) throw new Violation('P11', 'everything has come to a halt');
      if (this.scheduler.now > LONGEST_MS) throw new Violation('P11', `no rest after ${LONGEST_MS / 1_000} s`);
    }
  }

  /** Until everything in the log is committed, delivered and followed up, and nothing new comes for a while. */
  private async rest(): Promise<void> {
    let restingSince: number | undefined;
    let head = -1;
    while (!this.violation) {
      const next = this.scheduler.now + REST_POLL_MS;
      let reached = false;
      this.scheduler.in(REST_POLL_MS, () => void (reached = true));
      await this.runUntil(() => reached);
      const quiet = this.carrier.underWay === 0 && head === this.log.head && this.nodes.every(({ alive }) => alive);
      head = this.log.head;
      if (!quiet || !(await this.hasCaughtUp())) restingSince = undefined;
      else restingSince ??= next;
      if (restingSince !== undefined && this.scheduler.now - restingSince >= REST_MS) return;
    }
  }

  private async hasCaughtUp(): Promise<boolean> {
    const { rows } = await this.server.pool.query<{ position: number }>(
      `select position from relay_checkpoint union all select position from delivery_mark
       union all select position from process_checkpoint`,
    );
    return rows.length === 3 && rows.every(({ position }) => position >= this.log.head);
  }

  /** What befalls whole parts of the world. */
  private befall(): void {
    const random = this.random.fork('world');
    const { faults, scheduler } = this;
    const again = (): void =>
      void scheduler.in(random.between(100, 800), async () => {
        if (faults.forWorld('kill', 2)) await random.pick(this.nodes).crash(random.between(50, 4_000));
        if (faults.forWorld('outage', 2)) this.fell(random.pick(STORES), random.between(300, 6_000));
        if (faults.forWorld('clock-jump', 2)) this.jump(random);
        if (faults.forWorld('poison')) this.poison(random);
        again();
      });
    again();
  }

  private fell(store: Store, forMs: number): void {
    this.note(`${store} is down for ${forMs} ms`);
    this.downUntil[store] = this.scheduler.now + forMs;
  }

  private jump(random: Seeded): void {
    const off = random.pick([-3_600_000, -5_000, 5_000, 3_600_000]);
    const whose = random.pick([...this.nodes, 'postgres' as const, 'spicedb' as const]);
    this.note(`the clock of ${typeof whose === 'string' ? whose : whose.name} is off by ${off} ms`);
    if (typeof whose === 'string') this.clocksOff[whose] = off;
    else whose.setClock(off);
  }

  /** An event that this version knows, but can't apply, or does not know at all. */
  private poison(random: Seeded): void {
    const type = random.pick(['role-granted.v1', 'request-approved.v1', 'unheard-of.v1']);
    this.note(`somebody appends a ${type} that can't be applied`);
    const id = derivedUuid('poison', this.random.name, String(this.log.events.length));
    const tenantId = this.people.known.tenants[0]?.id ?? null;
    const metadata = {
      ...{ tenantId, partition: 0, actor: { type: 'system', id: 'poison' }, authentication: 'poison' },
      ...{ correlationId: id, causationId: null, commandId: id, at: instantAt(this.scheduler.now).toISOString() },
    };
    const event = { id, type, data: '{}', personal: undefined, metadata: JSON.stringify(metadata) };
    this.log.append({ stream: `poison-${id}`, expectedRevision: NO_STREAM, events: [event], bytes: 0 });
  }

  private async crash(process: SimulatedProcess): Promise<void> {
    const node = this.nodes.find((other) => other.process === process);
    await node?.crash(this.random.between(50, 4_000));
  }

  private openPostgres(): SimulatedPostgres {
    const { scheduler, server, carrier } = this;
    return new SimulatedPostgres({
      ...{ scheduler, server, carrier, trace: this.note, withoutLease: this.options.without === 'lease' },
      now: () => instantAt(scheduler.now + this.clocksOff.postgres),
      hears: () => !this.faults.forWorld('lost-notification'),
      watcher: {
        leaseTaken: (process) => void (this.leaseOf = process),
        committing: (process, position) =>
          this.guard(() => {
            if (process !== this.leaseOf) {
              const owner = this.leaseOf?.name ?? 'nobody';
              throw new Violation('P5', `${process.name} commits up to ${position}, though the lease is ${owner}'s`);
            }
            if (position < this.checkpoint) throw new Violation('P3', `the checkpoint goes back to ${position}`);
            this.checkpoint = position;
          }),
      },
    });
  }

  /** In some stories SpiceDB does not take what is about one of the people. */
  private poisonTuples(): (tuple: string) => boolean {
    const random = this.random.fork('poison');
    if (!random.chance(0.15)) return () => false;
    const which = random.between(0, 3);
    return (tuple) => {
      const id = this.people.known.users[which];
      return id !== undefined && tuple.endsWith(`@user:${id}`);
    };
  }

  private readonly note = (line: string): void => {
    this.trace.push(`${String(Math.round(this.scheduler.now)).padStart(6)} ms  ${line}`);
  };

  private guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    const violation =
      error instanceof Violation ? error : new Violation('P11', (error as Error).stack ?? String(error));
    if (!this.violation) this.note(`VIOLATION ${violation.message}`);
    this.violation ??= violation;
  }
}

/** A relay that knows of a tuple only whether it is wanted, as the last event about it said. */
function lastWriterWins(domain: Domain): Domain {
  const single = (change: SourceChange): SourceChange => ('source' in change ? { ...change, source: 'any' } : change);
  const relationships: Domain['relationships'] = (event) => domain.relationships(event).map(single);
  return Object.assign(Object.create(domain) as Domain, { relationships });
}
