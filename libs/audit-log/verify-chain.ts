import type { StoredEvent } from '../event-store/index.js';
import { chainHash, GENESIS } from './audit-entry.js';
import type { ChainHead } from './audit-heads.js';
import { type AuditMapping, differingColumns, fallbackFields, type Rendering, renderingOf } from './audit-rendering.js';

/** What the hashes cover. */
export interface ChainEntry {
  chain: string;
  sequence: number;
  /** The canonical text of the event. */
  event: string;
  hash: string;
}
/** An entry as it is stored, with what is shown of it. */
export interface AuditRow extends ChainEntry, Rendering {
  position: number;
  eventId: string;
}

export type ChainFaultKind =
  /** The event or the hash is not what it was. */
  | 'edited'
  /** What is shown is not what the event says. */
  | 'shown-edited'
  | 'removed'
  | 'doubled'
  | 'wrong-order'
  /** Of a chain that the file it stands in does not name. */
  | 'foreign'
  /** The chain ends before its published head. */
  | 'cut'
  /** The published head has another hash: the chain was calculated anew. */
  | 'rewritten';

export interface ChainFault {
  kind: ChainFaultKind;
  chain: string;
  sequence: number;
  /** The last of the entries at fault, where there are several. */
  to?: number;
  detail: string;
}

export interface ChainReport {
  entries: number;
  chains: number;
  /** The first of them. */
  faults: ChainFault[];
  count: number;
}

export interface VerifyOptions {
  /** Heads from another place than the entries. */
  heads?: Iterable<ChainHead>;
  /** The chains that there may be; any unless told. */
  chains?: ReadonlySet<string>;
  /** Checks what is shown, too; for entries that have it. */
  mapping?: AuditMapping;
  /** Events that could not be rendered when they came. */
  unrendered?: ReadonlySet<string>;
  /** How many faults to list; 50 unless told. */
  most?: number;
}

const MOST_FAULTS = 50;

/** Verifies entries in the order of their chains and sequences, in constant memory. */
export async function verifyChains(
  entries: AsyncIterable<ChainEntry | AuditRow>,
  options: VerifyOptions = {},
): Promise<ChainReport> {
  const verifier = new ChainVerifier(options);
  for await (const entry of entries) verifier.add(entry);
  return verifier.finish();
}

interface Walk {
  chain: string;
  /** The sequence that comes next. */
  next: number;
  /** What the next entry may follow: more than one hash after a fault, none where entries are missing. */
  previous: readonly string[];
  position: number;
  gaps: ChainFault[];
}

export class ChainVerifier {
  private readonly faults: ChainFault[] = [];
  /** Of chains that are not verified yet; there may be several of one chain, seen at different times. */
  private readonly heads = new Map<string, ChainHead[]>();
  private readonly most: number;
  private walk: Walk | undefined;
  private count = 0;
  private entries = 0;
  private chains = 0;

  constructor(private readonly options: VerifyOptions = {}) {
    for (const head of options.heads ?? []) this.heads.set(head.chain, [...(this.heads.get(head.chain) ?? []), head]);
    this.most = options.most ?? MOST_FAULTS;
  }

  add(entry: ChainEntry | AuditRow): void {
    this.entries++;
    if (this.walk?.chain !== entry.chain) this.begin(entry);
    const walk = this.walk!;
    if (entry.sequence < walk.next) return this.late(walk, entry);
    if (entry.sequence > walk.next) this.gap(walk, entry);
    const hashes = walk.previous.map((previous) => chainHash(previous, entry.chain, entry.sequence, entry.event));
    const intact = walk.previous.length === 0 || hashes.includes(entry.hash);
    if (!intact) this.report('edited', entry, 'the event or its hash was changed');
    // Where the hash itself was changed, the next entry still follows the one there should be.
    walk.previous = intact ? [entry.hash] : [entry.hash, ...hashes];
    walk.next = entry.sequence + 1;
    this.compareWithHead(entry);
    if ('position' in entry) this.checkShown(walk, entry, intact);
  }

  finish(): ChainReport {
    this.close();
    for (const heads of this.heads.values()) this.reportCut(heads, 0);
    const { entries, chains, faults, count } = this;
    return { entries, chains, faults, count };
  }

  private begin({ chain, sequence }: ChainEntry): void {
    this.close();
    this.chains++;
    if (this.options.chains?.has(chain) === false) {
      this.report('foreign', { chain, sequence }, 'the first line does not name this chain');
    }
    this.walk = { chain, next: 1, previous: [GENESIS], position: -1, gaps: [] };
  }

  private close(): void {
    if (!this.walk) return;
    const { chain, next } = this.walk;
    this.reportCut(this.heads.get(chain) ?? [], next - 1);
    this.heads.delete(chain);
    this.walk = undefined;
  }

  private gap(walk: Walk, { chain, sequence }: ChainEntry): void {
    const [from, to] = [walk.next, sequence - 1];
    const fault = this.report('removed', { chain, sequence: from }, 'missing', to);
    if (walk.gaps.length < this.most) walk.gaps.push(fault);
    walk.previous = [];
  }

  /** An entry that comes after a later one: what looked like a gap was not, or it is there twice. */
  private late(walk: Walk, entry: ChainEntry): void {
    const gap = walk.gaps.find(({ sequence, to }) => entry.sequence >= sequence && entry.sequence <= to!);
    if (!gap) return void this.report('doubled', entry, 'there is more than one entry with this number');
    this.report('wrong-order', entry, 'comes after a later one');
    if (entry.sequence === gap.sequence) gap.sequence++;
    else if (entry.sequence === gap.to) gap.to--;
    if (gap.sequence <= gap.to!) return;
    walk.gaps.splice(walk.gaps.indexOf(gap), 1);
    if (this.faults.includes(gap)) this.faults.splice(this.faults.indexOf(gap), 1);
    this.count--;
  }

  private compareWithHead(entry: ChainEntry): void {
    const heads = this.heads.get(entry.chain);
    if (heads?.some(({ sequence, hash }) => sequence === entry.sequence && hash !== entry.hash)) {
      this.report('rewritten', entry, 'this or an earlier entry is not the one whose hash was published');
    }
  }

  private checkShown(walk: Walk, row: AuditRow, intact: boolean): void {
    if (row.position <= walk.position)
      this.report('wrong-order', row, 'its event came before that of the entry before');
    walk.position = row.position;
    const { mapping, unrendered } = this.options;
    if (!mapping || !intact) return;
    const columns = shownFaults(row, mapping, unrendered);
    if (columns.length > 0) this.report('shown-edited', row, `the event says something else: ${columns.join(', ')}`);
  }

  private reportCut(heads: readonly ChainHead[], last: number): void {
    const furthest = heads.reduce<ChainHead | undefined>((a, b) => (a && a.sequence > b.sequence ? a : b), undefined);
    if (!furthest || furthest.sequence <= last) return;
    this.report('cut', { chain: furthest.chain, sequence: last + 1 }, 'missing at the end', furthest.sequence);
  }

  private report(
    kind: ChainFaultKind,
    { chain, sequence }: Pick<ChainEntry, 'chain' | 'sequence'>,
    detail: string,
    to?: number,
  ): ChainFault {
    const fault = { kind, chain, sequence, ...(to !== undefined && { to }), detail };
    if (++this.count <= this.most) this.faults.push(fault);
    return fault;
  }
}

function shownFaults(row: AuditRow, mapping: AuditMapping, unrendered?: ReadonlySet<string>): string[] {
  let event: StoredEvent;
  try {
    event = { ...(JSON.parse(row.event) as StoredEvent), position: row.position };
  } catch {
    return ['event'];
  }
  if (event.id !== row.eventId) return ['eventId'];
  const rendering = renderingOf(event, mapping);
  const differing = [...differingColumns(rendering, row), ...Object.keys(row).filter((name) => !isOf(rendering, name))];
  if (differing.length === 0 || !unrendered?.has(row.eventId)) return differing;
  return differingColumns(renderingOf(event, fallbackFields), row);
}

const UNRENDERED: ReadonlySet<string> = new Set(['chain', 'sequence', 'position', 'eventId', 'event', 'hash']);

function isOf(rendering: Rendering, name: string): boolean {
  return name in rendering || UNRENDERED.has(name);
}
