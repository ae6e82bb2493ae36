import { setImmediate as nextTurn } from 'node:timers/promises';

export interface StreamRead {
  stream: string;
  fromRevision: number;
}
/** One answer per read, in their order. */
export type ReadStreams<Event> = (reads: readonly StreamRead[]) => Promise<Event[][]>;

interface Waiting<Event> extends StreamRead {
  resolve(events: Event[]): void;
  reject(error: unknown): void;
}

const MOST_READS = 256;

/**
 * Reads that come together go to the database together, as most of what a small one costs is its round trip: 30 reads
 * behind an HTTP command, of many commands at a time.
 */
export class StreamReads<Event> {
  private waiting: Waiting<Event>[] = [];
  private underWay = 0;

  constructor(
    private readonly read: ReadStreams<Event>,
    private readonly connections: number,
  ) {}

  readStream(stream: string, fromRevision: number): Promise<Event[]> {
    // No stream has such a name, and the database would refuse those that are read with it.
    if (stream.includes('\0')) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.waiting.push({ stream, fromRevision, resolve, reject });
      if (this.underWay < this.connections) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.underWay++;
    // What else is asked for in this turn of the event loop goes along.
    for (await nextTurn(); this.waiting.length > 0; await nextTurn()) {
      const batch = this.waiting.splice(0, MOST_READS);
      try {
        const answers = await this.read(batch);
        batch.forEach(({ resolve }, index) => resolve(answers[index] ?? []));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.underWay--;
  }
}
