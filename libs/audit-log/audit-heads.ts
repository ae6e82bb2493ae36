import type { Pool } from 'pg';
import {
  type CommandContext,
  type DomainEvent,
  type EventLog,
  NO_STREAM,
  RevisionConflict,
  stepContext,
  type StoredEvent,
  toAppend,
} from '../event-store/index.js';
import type { DomainPart, Noun } from '../projections/index.js';

/** The last entry of a chain, as somebody saw it. */
export interface ChainHead {
  chain: string;
  sequence: number;
  hash: string;
}
export type AuditHeadsPublished = DomainEvent<'audit-heads-published.v1', { heads: readonly ChainHead[] }>;

const TYPE = 'audit-heads-published.v1';
const STREAM = 'audit-heads';
/** About 300 kB: well under the 1 MiB of one append. */
const HEADS_PER_EVENT = 2_000;

const auditHeads: Noun<AuditHeadsPublished> = {
  name: 'audit-heads',
  types: { [TYPE]: 'The last hashes of the audit chains that grew: from here on a cut at their end shows.' },
  relationships: { [TYPE]: () => [] },
  // Required of every type; the relay writes no entry for these.
  audit: { [TYPE]: () => ({ action: 'audit-heads.published', resource: { type: 'stream', id: STREAM } }) },
};

export const auditPart: DomainPart = {
  nouns: [auditHeads as unknown as Noun],
  readModels: [],
  processes: [],
};

/** Whether events of the type have no audit entry, since entries about heads would move the heads. */
export function isAuditHead(type: string): boolean {
  return type === TYPE;
}

/** What the log says was published, kept up to date by reading only what is new in it. */
export class PublishedHeads {
  readonly heads = new Map<string, ChainHead>();
  private revision = NO_STREAM;

  get streamRevision(): number {
    return this.revision;
  }

  async refresh(log: EventLog): Promise<void> {
    for (const event of await log.readStream(STREAM, this.revision + 1)) {
      this.add(event);
      this.revision = event.revision;
    }
  }

  add(event: Pick<StoredEvent, 'type' | 'data'>): void {
    if (!isAuditHead(event.type)) return;
    for (const head of (event.data as AuditHeadsPublished['data']).heads) this.heads.set(head.chain, head);
  }
}

/**
 * Puts the heads that moved since they were last published into the log.
 * @param published to be handed in again the next time, so that only what is new is read
 * @returns how many there were; 0 also when another process is publishing at the same time
 */
export async function publishHeads(
  log: EventLog,
  pool: Pool,
  context: CommandContext,
  published = new PublishedHeads(),
): Promise<number> {
  await published.refresh(log);
  const moved = (await chainHeads(pool)).filter(
    ({ chain, sequence }) => sequence > (published.heads.get(chain)?.sequence ?? 0),
  );
  let done = 0;
  for (; done < moved.length; done += HEADS_PER_EVENT) {
    const heads = moved.slice(done, done + HEADS_PER_EVENT);
    const step = stepContext(context, `heads-${done}`);
    const events = toAppend(STREAM, [{ type: TYPE, data: { heads } }], step, null);
    try {
      await log.append(STREAM, published.streamRevision, events);
    } catch (error) {
      if (error instanceof RevisionConflict) return done;
      throw error;
    }
    await published.refresh(log);
  }
  return moved.length;
}

/** The last entry of every chain; one index look-up for each. */
export async function chainHeads(pool: Pick<Pool, 'query'>): Promise<ChainHead[]> {
  const { rows } = await pool.query<ChainHead>(
    `with recursive chains(chain) as (
       (select chain from audit_entry order by chain limit 1)
       union all
       select (select e.chain from audit_entry e where e.chain > c.chain order by e.chain limit 1)
       from chains c where c.chain is not null)
     select tip.chain, tip.sequence, tip.hash from chains c, lateral (
       select e.chain, e.sequence, e.hash from audit_entry e where e.chain = c.chain order by e.sequence desc limit 1) tip`,
  );
  return rows;
}
