import { EventEmitter } from 'node:events';
import { randomUUID } from 'node:crypto';

export interface ProposedEvent {
  id: string;
  type: string;
  json: boolean;
  data: Uint8Array;
  metadata: Uint8Array;
}

export interface LogRecord extends ProposedEvent {
  stream: string;
  revision: number;
  /** Byte offset in the log; commit and prepare position are the same without explicit transactions. */
  position: number;
  end: number;
  created: Date;
}

export type Expectation = 'any' | 'no-stream' | 'stream-exists' | number;

export type AppendOutcome =
  | { result: 'stored' | 'repeated'; revision: number; position: number }
  | { result: 'conflict'; current: number }
  | { result: 'stream-deleted' };

const RECORD_OVERHEAD_BYTES = 61;

/** What the server has on disk: one log of records, each the next event of its stream. */
export class RecordedLog extends EventEmitter<{ recorded: [] }> {
  private records: LogRecord[] = [];
  private readonly streams = new Map<string, LogRecord[]>();
  private readonly truncatedBefore = new Map<string, number>();
  private readonly tombstones = new Set<string>();

  constructor() {
    super();
    this.setMaxListeners(0);
    // A fresh server has written about itself before anybody appends.
    this.system('$users', '$UserCreated', { loginName: 'admin' });
    this.system('$stats-127.0.0.1:2113', '$statsCollected', { 'proc-id': 1 });
  }

  get length(): number {
    return this.records.length;
  }

  get end(): number {
    return this.records.at(-1)?.end ?? 0;
  }

  at(index: number): LogRecord | undefined {
    return this.records[index];
  }

  append(stream: string, expected: Expectation, events: readonly ProposedEvent[]): AppendOutcome {
    if (this.tombstones.has(stream)) return { result: 'stream-deleted' };
    const repeated = this.repetition(stream, expected, events);
    if (repeated) return repeated;
    const recorded = events.map((event) => this.record(stream, event));
    this.interleave();
    this.emit('recorded');
    const last = recorded.at(-1);
    return { result: 'stored', revision: last?.revision ?? 0, position: last?.position ?? 0 };
  }

  /** `null` for a stream that doesn't exist or whose events were all soft-deleted. */
  read(stream: string): LogRecord[] | 'tombstone' | null {
    if (this.tombstones.has(stream)) return 'tombstone';
    const visible = this.streams.get(stream)?.slice(this.truncatedBefore.get(stream) ?? 0) ?? [];
    return visible.length === 0 ? null : visible;
  }

  /** Of the first record at or after `position`; `null` when no record begins there and the log is longer. */
  indexAt(position: number): number | null {
    if (position >= this.end) return this.records.length;
    let [low, high] = [0, this.records.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = (this.records[middle] as LogRecord).position;
      if (found === position) return middle;
      if (found < position) low = middle + 1;
      else high = middle - 1;
    }
    return null;
  }

  softDelete(stream: string): void {
    this.truncatedBefore.set(stream, this.streams.get(stream)?.length ?? 0);
    this.system(`$$${stream}`, '$metadata', { $tb: Number.MAX_SAFE_INTEGER });
  }

  tombstone(stream: string): void {
    this.tombstones.add(stream);
    this.system(stream, '$streamDeleted', {});
  }

  /** What the server, or a projection in it, writes. */
  system(stream: string, type: string, data: object, metadata?: object): LogRecord {
    const bytes = (json?: object) => Buffer.from(json ? JSON.stringify(json) : '');
    const event = { id: randomUUID(), type, json: true, data: bytes(data), metadata: bytes(metadata) };
    const record = this.record(stream, event);
    this.emit('recorded');
    return record;
  }

  /** As after restoring a backup: nothing later than the record at `position` ever was. */
  truncateAfter(position: number): void {
    const kept = this.records.filter((record) => record.position <= position);
    this.records = kept;
    this.streams.clear();
    for (const record of kept) this.ofStream(record.stream).push(record);
  }

  private repetition(stream: string, expected: Expectation, events: readonly ProposedEvent[]): AppendOutcome | null {
    const existing = this.streams.get(stream) ?? [];
    const current = existing.length - 1;
    const softDeleted = current >= 0 && existing.length === this.truncatedBefore.get(stream);
    if (expected === 'any') return this.repetitionAnywhere(existing, events);
    if (expected === 'stream-exists') return current < 0 || softDeleted ? { result: 'conflict', current } : null;
    const revision = expected === 'no-stream' ? -1 : expected;
    if (revision >= current) return revision === current ? null : { result: 'conflict', current };
    const known = events.filter((event, index) => existing[revision + 1 + index]?.id === event.id);
    if (known.length === events.length && events.length > 0) return repeat(existing, revision + events.length);
    const begunAnew = known[0] !== events[0] && expected === 'no-stream' && softDeleted;
    return begunAnew ? null : { result: 'conflict', current };
  }

  private repetitionAnywhere(existing: readonly LogRecord[], events: readonly ProposedEvent[]): AppendOutcome | null {
    const places = events.map((event) => existing.findIndex((record) => record.id === event.id));
    if (places.length === 0 || places[0] === -1) return null;
    if (places.includes(-1)) return { result: 'conflict', current: existing.length - 1 };
    return repeat(existing, places.at(-1) as number);
  }

  private record(stream: string, event: ProposedEvent): LogRecord {
    const position = this.end;
    const size = RECORD_OVERHEAD_BYTES + stream.length + event.type.length + event.data.length + event.metadata.length;
    const ofStream = this.ofStream(stream);
    const place = { stream, revision: ofStream.length, position, end: position + size, created: new Date() };
    const record = { ...event, ...place };
    this.records.push(record);
    ofStream.push(record);
    return record;
  }

  private ofStream(stream: string): LogRecord[] {
    const records = this.streams.get(stream) ?? [];
    this.streams.set(stream, records);
    return records;
  }

  /** The server and its projections write to the same log; a projection's results have a type without a `$`. */
  private interleave(): void {
    const turn = this.records.length;
    if (turn % 3 === 0) this.system('$stats-127.0.0.1:2113', '$statsCollected', { 'proc-id': 1, turn });
    if (turn % 5 === 0) this.system('$projections-$by_category-result', 'Result', { turn });
  }
}

function repeat(existing: readonly LogRecord[], revision: number): AppendOutcome {
  return { result: 'repeated', revision, position: (existing[revision] as LogRecord).position };
}

/** What the server counts towards the maximum append size. */
export function sizeOnDisk(event: ProposedEvent): number {
  return event.type.length * 2 + event.data.length + event.metadata.length;
}
