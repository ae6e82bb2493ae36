import { Gauge } from 'prom-client';
import { type Metrics, secondsSince } from '../../libs/platform/index.js';
import { readRelayFigures, type RelayFigures } from '../../libs/projections/index.js';
import type { Runtime } from '../../libs/wiring/index.js';
import type { Relay } from './relay.js';

const GAUGES: Record<string, [help: string, value: (figures: RelayFigures) => number]> = {
  countersign_log_head_position: ['Position of the last event of the log.', ({ head }) => head],
  countersign_relay_checkpoint_position: ['Position up to which events are committed.', ({ checkpoint }) => checkpoint],
  countersign_process_checkpoint_position: ['Position up to which processes have run.', ({ processed }) => processed],
  countersign_delivery_position: ['Position up to which SpiceDB has the relationships.', ({ delivered }) => delivered],
  countersign_relay_lag_events: ['Events that are not committed yet, at most 10000.', ({ lagEvents }) => lagEvents],
  countersign_relay_lag_seconds: ['Age of the oldest event that is not committed yet.', ({ lagSeconds }) => lagSeconds],
  countersign_undelivered_changes: [
    'Relationship changes SpiceDB does not have yet.',
    ({ undelivered }) => undelivered,
  ],
  countersign_undelivered_oldest_seconds: [
    'Age of the event of the oldest change that SpiceDB does not have yet.',
    ({ oldestUndeliveredSeconds }) => oldestUndeliveredSeconds,
  ],
  countersign_delivery_in_doubt: [
    '1 while nothing is delivered because SpiceDB does not hold what was delivered to it.',
    ({ doubt }) => (doubt === null ? 0 : 1),
  ],
  countersign_relay_lease_held: ['1 while any relay holds the lease.', ({ lease }) => (lease ? 1 : 0)],
};

/** Shows how far the relay is, by the numbers of `operator status`; they are missing while they can't be read. */
export function exposeRelay({ metrics, ...stores }: Runtime, relay: Pick<Relay, 'active'>): void {
  const { registry } = metrics;
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const active = gauge('countersign_relay_active', '1 while this process is the active relay.');
  const readable = gauge('countersign_relay_figures_readable', '0 while the stores do not tell how far the relay is.');
  const parked = gauge('countersign_parked', 'What is parked until an operator retries or discards it.', ['stage']);
  const gauges = Object.entries(GAUGES).map(([name, [help, value]]) => ({ gauge: gauge(name, help), value }));
  metrics.onScrape(async () => {
    active.set(relay.active ? 1 : 0);
    const figures = await readRelayFigures(stores).catch(() => undefined);
    readable.set(figures ? 1 : 0);
    for (const { gauge: shown, value } of gauges) {
      if (figures) shown.set(value(figures));
      else shown.remove();
    }
    if (!figures) return parked.reset();
    parked.set({ stage: 'event' }, figures.parked.events);
    parked.set({ stage: 'delivery' }, figures.parked.relationships);
    parked.set({ stage: 'process' }, figures.parked.followUps);
  });
}

/** Measures how long it takes from an event until its effect can be seen; of those beyond the bound only the newest. */
export class Visibility {
  private waiting: { position: number; at: number }[] = [];

  constructor(
    private readonly metrics: Metrics,
    private readonly now: () => number,
  ) {}

  committed(events: readonly { position: number; metadata: { at: string } }[]): void {
    this.waiting.push(...events.map(({ position, metadata }) => ({ position, at: Date.parse(metadata.at) })));
    if (this.waiting.length > MOST_WAITING) this.waiting = this.waiting.slice(-MOST_WAITING);
  }

  delivered(position: number): void {
    const end = this.waiting.findIndex((event) => event.position > position);
    const seen = this.waiting.splice(0, end < 0 ? this.waiting.length : end);
    for (const { at } of seen) this.metrics.visible.observe(Math.max(0, (this.now() - at) / 1_000));
  }
}

const MOST_WAITING = 10_000;

export async function measuredDelivery<T>(
  metrics: Metrics,
  { updates }: { updates: readonly unknown[] },
  write: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  let outcome = 'failed';
  try {
    const written = await write();
    outcome = 'done';
    metrics.deliveredUpdates.inc(updates.length);
    return written;
  } finally {
    metrics.deliveries.observe({ outcome }, secondsSince(start));
  }
}
