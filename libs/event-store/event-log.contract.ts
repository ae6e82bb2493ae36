import { ContractWorld } from './contract-world.js';
import { itAppends, itAppendsInOrder, itChecksRevisions, itRefuses, itRepeats } from './contract-appends.js';
import {
  itEndsWhenAborted,
  itFollows,
  itFollowsConcurrentWriters,
  itFollowsForEachConsumer,
} from './contract-follows.js';
import { itCloses, itSurvivesOutages } from './contract-outages.js';
import { itReads, itStoresExactly } from './contract-reads.js';
import { itNoticesRestoredLogs } from './contract-restores.js';
import type { EventLog } from './event-log.js';

export interface EventLogCapabilities {
  /** `restart` and `cutConnections` work; not on a server that others use too. */
  outages: boolean;
  /** Only this suite writes to the store. */
  exclusive: boolean;
  /** `restoreEarlier` works. */
  restores: boolean;
}

export interface EventLogHarness {
  start(): Promise<RunningStore>;
  /** All true unless said otherwise; tests that need what is missing are reported as skipped. */
  capabilities?: Partial<EventLogCapabilities>;
}

export interface RunningStore {
  /** A new client on the same store. */
  open(): Promise<EventLog>;
  /** Stops the server, or ends every connection and refuses new ones, and brings it back with its data. */
  restart(): Promise<void>;
  cutConnections(): Promise<void>;
  /** Puts the log back to the state in which the event at `position` was its last; everybody is disconnected. */
  restoreEarlier?(position: number): Promise<void>;
  stop(): Promise<void>;
}

/** What every adapter of the port promises, on fresh streams of a store that may hold anything else. */
export function describeEventLogContract(name: string, harness: EventLogHarness): void {
  const capabilities = { outages: true, exclusive: true, restores: true, ...harness.capabilities };
  const world = new ContractWorld(harness);

  describe(`${name} keeps the contract of an event log`, () => {
    beforeAll(() => world.start());
    afterEach(() => world.closeClients());
    afterAll(() => world.stop());

    describe('appends', () => {
      itAppends(world);
      itAppendsInOrder(world);
      itChecksRevisions(world);
      itRepeats(world);
      itRefuses(world);
    });
    describe('reads', () => {
      itStoresExactly(world);
      itReads(world, capabilities.exclusive);
    });
    describe('follows', () => {
      itFollows(world);
      itFollowsForEachConsumer(world);
      itEndsWhenAborted(world);
      itFollowsConcurrentWriters(world);
    });
    describe('closes', () => itCloses(world));
    (capabilities.outages ? describe : describe.skip)('survives outages', () => itSurvivesOutages(world));
    (capabilities.restores ? describe : describe.skip)('notices a restored log', () => itNoticesRestoredLogs(world));
  });
}
