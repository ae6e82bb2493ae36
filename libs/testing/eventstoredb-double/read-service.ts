import { randomUUID } from 'node:crypto';
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { Faults } from './control.js';
import { streams } from './generated.js';
import * as message from './messages.js';
import { drained, type ReadCall } from './pacing.js';
import type { LogRecord, RecordedLog } from './recorded-log.js';
import { Subscription } from './subscription.js';

const { FORWARDS } = streams.ReadReq.Options.ReadDirection;

export class ReadService {
  private readonly subscriptions = new Set<Subscription>();

  constructor(
    private readonly log: RecordedLog,
    private readonly faults: Faults,
  ) {}

  readonly read = (call: ReadCall): void => {
    this.faults.count('reads');
    call.on('error', () => undefined);
    if (this.faults.everyRead === 'hang') return;
    if (this.faults.everyRead !== null) {
      const { notReady, readFailed } = message.failures;
      call.emit('error', this.faults.everyRead === 'not-ready' ? notReady() : readFailed());
      return;
    }
    const options = call.request.getOptions() as ReadReq.Options;
    if (options.hasSubscription()) this.subscribe(call, options);
    else if (options.hasAll()) this.readAll(call, options);
    else this.readStream(call, options);
  };

  /** As when the server stops: every live subscription fails. */
  failSubscriptions(): void {
    for (const subscription of this.subscriptions) subscription.fail(message.failures.shuttingDown());
  }

  private readStream(call: ReadCall, options: ReadReq.Options): void {
    const from = options.getStream() as ReadReq.Options.StreamOptions;
    const stream = message.streamName(from.getStreamIdentifier());
    const records = this.log.read(stream);
    if (records === 'tombstone') {
      call.emit('error', message.failures.streamDeleted(stream));
      return;
    }
    if (records === null) {
      call.write(message.streamNotFoundMessage(stream));
      call.end();
      return;
    }
    const forwards = options.getReadDirection() === FORWARDS;
    const revision = from.hasStart() ? 0 : from.hasEnd() ? Infinity : Number(from.getRevision());
    const found = forwards
      ? records.filter((record) => record.revision >= revision)
      : records.filter((record) => record.revision <= revision).reverse();
    void send(call, found.slice(0, Number(options.getCount())));
  }

  private readAll(call: ReadCall, options: ReadReq.Options): void {
    const start = this.startIndex(options);
    if (start === null) {
      call.emit('error', message.failures.readFailed());
      return;
    }
    const forwards = options.getReadDirection() === FORWARDS;
    void send(call, this.page(forwards ? start : start - 1, forwards ? 1 : -1, Number(options.getCount())));
  }

  private *page(start: number, step: 1 | -1, count: number): Generator<LogRecord> {
    for (let index = start, sent = 0; sent < count; index += step, sent++) {
      const record = this.log.at(index);
      if (!record) return;
      yield record;
    }
  }

  private subscribe(call: ReadCall, options: ReadReq.Options): void {
    const start = this.startIndex(options);
    if (start === null) {
      call.emit('error', message.failures.readFailed());
      return;
    }
    // A subscription begins after the position, a read at it.
    const atPosition = options.getAll()?.hasPosition() && this.log.at(start) !== undefined;
    const subscription = new Subscription(call, this.log, atPosition ? start + 1 : start, options.getFilter());
    this.track(call, subscription);
    call.write(message.confirmationMessage(randomUUID()));
    void subscription.run();
  }

  private track(call: ReadCall, subscription: Subscription): void {
    const mute = () => subscription.mute();
    this.subscriptions.add(subscription);
    this.faults.mutes.add(mute);
    this.faults.count('subscriptions');
    this.faults.count('liveSubscriptions');
    let open = true;
    const end = (): void => {
      if (!open) return;
      open = false;
      subscription.end();
      this.subscriptions.delete(subscription);
      this.faults.mutes.delete(mute);
      this.faults.count('liveSubscriptions', -1);
    };
    call.on('cancelled', end).on('close', end).on('finish', end).on('error', end);
  }

  private startIndex(options: ReadReq.Options): number | null {
    const all = options.getAll() as ReadReq.Options.AllOptions;
    if (all.hasStart()) return 0;
    if (all.hasEnd()) return this.log.length;
    return this.log.indexAt(Number((all.getPosition() as ReadReq.Options.Position).getCommitPosition()));
  }
}

async function send(call: ReadCall, records: Iterable<LogRecord>): Promise<void> {
  for (const record of records) {
    if (call.cancelled || call.destroyed) return;
    if (!call.write(message.eventMessage(record))) await drained(call);
  }
  call.end();
}
