import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import { type SideAnswer, serveBeside, type SideServer } from './side-server.js';

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What a process measures of itself, for Prometheus. Labels never hold ids. */
export class Metrics {
  readonly registry = new Registry();
  readonly httpRequests = this.histogram('countersign_http_request_duration_seconds', {
    help: 'From the arrival of a call until its answer is sent.',
    labelNames: ['method', 'route', 'status'],
  });
  readonly appends = this.histogram('countersign_append_duration_seconds', {
    help: 'One append to the event log.',
    labelNames: ['outcome'],
  });
  readonly commits = this.histogram('countersign_relay_commit_duration_seconds', {
    help: 'One transaction of the relay: audit, read models, wanted relationships and checkpoint of a batch.',
  });
  readonly committedEvents = new Counter({
    name: 'countersign_relay_committed_events_total',
    help: 'Events that the relay has committed.',
    registers: [this.registry],
  });
  readonly relayRetries = new Counter({
    name: 'countersign_relay_retries_total',
    help: 'Failures after which a part of the relay tries again; what was wrong is in the log.',
    registers: [this.registry],
  });
  readonly deliveries = this.histogram('countersign_delivery_duration_seconds', {
    help: 'One write of relationships to SpiceDB.',
    labelNames: ['outcome'],
  });
  readonly deliveredUpdates = new Counter({
    name: 'countersign_delivered_updates_total',
    help: 'Updates of relationships that SpiceDB has taken.',
    registers: [this.registry],
  });
  readonly visible = this.histogram('countersign_commit_to_visible_seconds', {
    help: 'From the time of an event until its effect is in the read models and in SpiceDB.',
  });
  private readonly beforeScrape: (() => Promise<void>)[] = [];

  /** Called before each scrape, to bring gauges up to date. */
  onScrape(refresh: () => Promise<void>): void {
    this.beforeScrape.push(refresh);
  }

  /** In the text format of Prometheus. */
  async text(): Promise<string> {
    await Promise.all(this.beforeScrape.map((refresh) => refresh()));
    return this.registry.metrics();
  }

  /** Memory, CPU, event loop and garbage collection of the process. */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  private histogram<Label extends string>(
    name: string,
    { help, labelNames = [] }: { help: string; labelNames?: Label[] },
  ): Histogram<Label> {
    return new Histogram({ name, help, labelNames, buckets: BUCKETS, registers: [this.registry] });
  }
}

/** Seconds since a reading of `performance.now()`. */
export function secondsSince(start: number): number {
  return (performance.now() - start) / 1_000;
}

/** Answers `/metrics`: without authentication, also while dependencies are down. */
export function serveMetrics(metrics: Metrics, at: { host: string; port: number }): Promise<SideServer> {
  return serveBeside(at, (path) => answerMetrics(metrics, path));
}

export async function answerMetrics(metrics: Metrics, path: string): Promise<SideAnswer> {
  if (path !== '/metrics') return { status: 404, type: 'text/plain', text: 'not found' };
  return { status: 200, type: metrics.registry.contentType, text: await metrics.text() };
}
