import type { RecordedLog } from './recorded-log.js';

/** What goes wrong with one append. */
export type AppendFault =
  /** The node answers and isn't ready yet. */
  | 'not-ready'
  /** Nothing is stored and no answer comes. */
  | 'hang'
  /** Stored, and no answer comes. */
  | 'lose-reply'
  /** Not stored, and every connection breaks. */
  | 'cut-before'
  /** Stored, and every connection breaks before the answer. */
  | 'cut-after'
  /** Stored, answered, and answered again. */
  | 'answer-twice'
  /** Stored, and the server says it timed out. */
  | 'time-out-after'
  /** Stored, and the answer has no position. */
  | 'no-position'
  /** Stored and answered, this much later. */
  | { delayMs: number };

/** What the server says it can, if anything. */
export type Capabilities = 'batch-appends' | 'single-appends' | 'unspoken';

export type ReadFault = 'not-ready' | 'hang' | 'unknown';

interface Watcher {
  isMet: () => boolean;
  met: () => void;
}

/** What the tests set and the services of the double ask. */
export class Faults {
  readonly nextAppends: AppendFault[] = [];
  everyAppend: AppendFault | null = null;
  everyRead: ReadFault | null = null;
  capabilities: Capabilities = 'batch-appends';
  readonly counts = { appends: 0, reads: 0, subscriptions: 0, liveSubscriptions: 0 };
  readonly mutes = new Set<() => void>();
  cutConnections: () => void = () => undefined;
  private readonly watchers = new Set<Watcher>();

  appendFault(): AppendFault | null {
    this.count('appends');
    return this.nextAppends.shift() ?? this.everyAppend;
  }

  count(what: keyof Faults['counts'], by = 1): void {
    this.counts[what] += by;
    for (const watcher of this.watchers) if (watcher.isMet()) watcher.met();
  }

  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => {
      const watcher: Watcher = {
        isMet,
        met: () => {
          this.watchers.delete(watcher);
          resolve();
        },
      };
      this.watchers.add(watcher);
    });
  }
}

export interface EventStoreDbControl {
  /** Calls that arrived since the start; live subscriptions are those open now. */
  readonly counts: Readonly<Faults['counts']>;
  readonly log: RecordedLog;
  /** Resolves once `isMet` holds for the counts. */
  until(isMet: (counts: Readonly<Faults['counts']>) => boolean): Promise<void>;
  /** One fault for each of the next appends. */
  failNextAppends(...faults: AppendFault[]): void;
  failEveryAppend(fault: AppendFault | null): void;
  /** How the client appends from the next connection on. */
  haveCapabilities(capabilities: Capabilities): void;
  /** Reads and new subscriptions. */
  failEveryRead(fault: ReadFault | null): void;
  /** The subscriptions open now get nothing more, and no end either. */
  muteSubscriptions(): void;
  /** Resets every connection; new ones are taken at once. */
  cutConnections(): void;
  /** Resets every connection and refuses new ones. */
  refuseConnections(): Promise<void>;
  acceptConnections(): Promise<void>;
  /** Connections stay open and nothing passes. */
  freezeConnections(): void;
  thawConnections(): void;
  /** Nothing passes on the connections there are, and nobody is told; new ones work. */
  strandConnections(): void;
  /** Resolves once there is no connection. */
  untilDisconnected(): Promise<void>;
  delay(ms: number): void;
  /** Stops and starts with the data it had. */
  restart(): Promise<void>;
  /** Stops, forgets what is later than `position`, and starts. */
  restoreEarlier(position: number): Promise<void>;
}
