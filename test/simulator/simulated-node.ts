import { PublishedHeads, publishHeads } from '../../libs/audit-log/index.js';
import { SpiceDbUnavailable } from '../../libs/authorization/index.js';
import { ConsistencyTokens } from '../../libs/edge/index.js';
import { DeciderRuntime, EventLogUnavailable, processContext } from '../../libs/event-store/index.js';
import { ERASED_CHANNEL, SubjectKeys } from '../../libs/personal-data/index.js';
import { Metrics } from '../../libs/platform/index.js';
import { type Domain, FollowUps, Progress } from '../../libs/projections/index.js';
import { buildDomain } from '../../libs/wiring/index.js';
import { Relay } from '../../apps/relay/relay.js';
import type { Carrier, Settled } from './carrier.js';
import type { FaultKind, FaultPlan } from './fault-plan.js';
import { inFlow } from './flows.js';
import type { Handlers, Memory } from './handlers.js';
import type { Scheduler } from './scheduler.js';
import type { Seeded } from './seeded.js';
import { type SimulatedLog, SimulatedLogClient } from './simulated-log.js';
import type { SimulatedPostgres } from './simulated-postgres.js';
import { SimulatedProcess } from './simulated-process.js';
import { type SimulatedSpiceDb, simulatedSpiceDbClient } from './simulated-spicedb.js';

const READING: readonly FaultKind[] = [
  ...(['slow', 'refused', 'lost-reply', 'crash-before', 'crash-after', 'pause-before', 'pause-after'] as const),
];
/** Few enough that some are forgotten. */
const CACHED_STREAMS = 10;
const REMEMBERED = 100;
const WRITING: readonly FaultKind[] = [...READING, 'late', 'duplicate'];

export interface NodeWorld {
  seed: string;
  scheduler: Scheduler;
  carrier: Carrier;
  faults: FaultPlan;
  handlers: Handlers;
  log: SimulatedLog;
  postgres: SimulatedPostgres;
  spicedb: SimulatedSpiceDb;
  /** The domain as the relay knows it: the product's own, unless a protection is taken away. */
  asRelayed: (domain: Domain) => Domain;
  random: Seeded;
  trace: (line: string) => void;
  /** Called after whatever SpiceDB was asked to do. */
  spicedbAsked: () => void;
}

/** One place where a process of the product runs: killed and started again, it is another life of the same node. */
export class SimulatedNode {
  process: SimulatedProcess;
  private lives = 0;
  /** What its clock shows too much or too little, whoever lives. */
  private clockOff = 0;

  constructor(
    private readonly world: NodeWorld,
    readonly name: string,
    private readonly isRelay: boolean,
  ) {
    this.process = this.live();
  }

  get alive(): boolean {
    return this.process.alive;
  }

  /** Kills it, and starts it again after a while. */
  async crash(restartInMs: number): Promise<void> {
    const { trace, scheduler } = this.world;
    trace(`${this.process.name} is killed`);
    await this.process.kill();
    scheduler.in(restartInMs, () => {
      if (!this.process.alive) this.process = this.live();
    });
  }

  setClock(off: number): void {
    this.clockOff = off;
    this.process.clockOff = off;
  }

  private live(): SimulatedProcess {
    const { scheduler, seed, trace, handlers } = this.world;
    const process = new SimulatedProcess(scheduler, `${this.name}#${++this.lives}`, seed);
    process.clockOff = this.clockOff;
    trace(`${process.name} starts`);
    const memory = this.memoryOf(process);
    handlers.equip(process, memory);
    inFlow(process, () => {
      void memory.progress.start();
      if (this.isRelay) this.relayOf(process, memory).start();
    });
    return process;
  }

  private memoryOf(process: SimulatedProcess): Memory {
    const { carrier, handlers, log, postgres, spicedb, random, faults } = this.world;
    const pool = postgres.pool(process);
    const keys = new SubjectKeys(pool, handlers.config.personalDataKeys, REMEMBERED);
    const domain = buildDomain(keys);
    const progress = new Progress(pool);
    progress.alsoHear(ERASED_CHANNEL, {
      hear: (subject) => keys.forget([subject]),
      missed: () => keys.forgetAll(),
    });
    const client = new SimulatedLogClient(
      log,
      (label, effect) => {
        const kinds = label.startsWith('append') ? WRITING : READING;
        const error = (): Error => new EventLogUnavailable('the event log does not answer');
        return carrier.carry(process, { store: 'log', label, kinds, error, effect: () => settled(effect) });
      },
      (tell) => {
        if (!faults.forWorld('lost-notification')) process.deliver(random.between(0, 20), tell);
      },
    );
    const asked = <T>(effect: () => T): Settled<T> => {
      const outcome = settled(effect);
      this.world.spicedbAsked();
      return outcome;
    };
    const decider = new DeciderRuntime(client, domain.registry, CACHED_STREAMS);
    keys.onErasure(() => decider.forgetStates());
    return {
      ...{ pool, log: client, clock: process.clock, ids: process.ids, progress, domain, decider },
      registry: domain.registry,
      spicedb: simulatedSpiceDbClient(spicedb, (label, isWrite, effect) => {
        const kinds = isWrite ? WRITING : READING;
        const error = (): Error => new SpiceDbUnavailable('SpiceDB does not answer');
        return carrier.carry(process, { store: 'spicedb', label, kinds, error, effect: () => asked(effect) });
      }),
      tokens: new ConsistencyTokens(client, pool, handlers.config.signingKey, progress),
      followUps: new FollowUps(handlers.bus, domain.processes, undefined, REMEMBERED),
    };
  }

  private relayOf(process: SimulatedProcess, { decider: _decider, registry: _registry, ...memory }: Memory): Relay {
    const { handlers, asRelayed, random, seed } = this.world;
    const { log, pool, clock, ids } = memory;
    const settings = random.fork(`${seed} ${this.name}`);
    const published = new PublishedHeads();
    const silent = (): void => undefined;
    return new Relay({
      ...memory,
      ...{ domain: asRelayed(memory.domain), bus: handlers.bus, owner: process.name },
      random: () => random.next(),
      maxBatch: settings.pick([1, 3, 20, 1_000]),
      pollMs: settings.pick([500, 1_000]),
      // Enough for every event but deletions, which go in pieces.
      maxUpdates: settings.pick([9, 30, 900]),
      logger: { info: silent, warn: silent, error: silent },
      metrics: new Metrics(),
      publishHeads: async () => {
        await publishHeads(log, pool, processContext('audit-heads', clock, ids), published);
      },
    });
  }
}

function settled<T>(effect: () => T): Settled<T> {
  try {
    return { ok: effect() };
  } catch (failed) {
    return { failed };
  }
}
