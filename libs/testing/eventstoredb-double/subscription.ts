import type { ServiceError } from '@grpc/grpc-js';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import * as message from './messages.js';
import { drained, type ReadCall } from './pacing.js';
import type { LogRecord, RecordedLog } from './recorded-log.js';

/** Events a live subscription may be behind before the server gives it up: its two buffers of 32. */
const LIVE_BUFFER = 64;
const SEARCH_WINDOW = 32;

/** One subscription to $all: first it reads what is there, at the consumer's pace; then it is live, at the writers'. */
export class Subscription {
  private readonly accepts: (record: LogRecord) => boolean;
  private readonly checkpointInterval: number;
  private readonly backlog: ReadResp[] = [];
  private considered = 0;
  private draining = false;
  private silent = false;
  private open = true;
  private readonly onRecorded = (): void => this.sendLive();

  constructor(
    private readonly call: ReadCall,
    private readonly log: RecordedLog,
    private next: number,
    filter: ReadReq.Options.FilterOptions | undefined,
  ) {
    this.accepts = acceptanceOf(filter);
    this.checkpointInterval = (filter?.getCheckpointintervalmultiplier() || 1) * (filter?.getMax() || SEARCH_WINDOW);
  }

  async run(): Promise<void> {
    for (let record = this.log.at(this.next); this.open && record; record = this.log.at(this.next)) {
      for (const response of this.consider(record)) {
        if (!this.silent && !this.call.write(response)) await drained(this.call);
      }
    }
    if (!this.open) return;
    if (!this.silent) this.call.write(message.caughtUpMessage());
    this.log.on('recorded', this.onRecorded);
    this.sendLive();
  }

  mute(): void {
    this.silent = true;
  }

  fail(error: ServiceError): void {
    if (this.open) this.call.emit('error', error);
    this.end();
  }

  end(): void {
    this.open = false;
    this.log.off('recorded', this.onRecorded);
  }

  private sendLive(): void {
    for (let record = this.log.at(this.next); record; record = this.log.at(this.next)) {
      this.backlog.push(...this.consider(record));
    }
    if (this.silent || !this.open) return;
    if (!this.draining) void this.flush();
    if (this.backlog.length > LIVE_BUFFER) this.fail(message.failures.tooSlow());
  }

  private async flush(): Promise<void> {
    this.draining = true;
    for (let response = this.backlog.shift(); this.open && response; response = this.backlog.shift()) {
      if (!this.call.write(response)) await drained(this.call);
    }
    this.draining = false;
  }

  private consider(record: LogRecord): ReadResp[] {
    this.next++;
    this.considered++;
    const responses = this.accepts(record) ? [message.eventMessage(record)] : [];
    if (this.considered % this.checkpointInterval === 0) responses.push(message.checkpointMessage(record.position));
    return responses;
  }
}

function acceptanceOf(filter: ReadReq.Options.FilterOptions | undefined): (record: LogRecord) => boolean {
  if (!filter) return () => true;
  const expression = filter.getStreamIdentifier() ?? filter.getEventType();
  const nameOf = (record: LogRecord) => (filter.hasStreamIdentifier() ? record.stream : record.type);
  if (expression?.getRegex()) {
    const regex = new RegExp(expression.getRegex());
    return (record) => regex.test(nameOf(record));
  }
  const prefixes = expression?.getPrefixList() ?? [];
  return (record) => prefixes.some((prefix) => nameOf(record).startsWith(prefix));
}
