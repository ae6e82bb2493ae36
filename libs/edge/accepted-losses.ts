import type { Pool } from 'pg';

/** Events that the log had lost, and that an operator accepted the loss of. */
interface Loss {
  /** Tells it from others: microseconds since 1970. */
  id: number;
  /** The first position whose event was lost: from there on the log has others. */
  from: number;
}

const LOSSES = `select (extract(epoch from lost_at) * 1000000)::bigint as id, min(position) as "from"
  from lost_audit_entry group by lost_at order by lost_at`;

/**
 * The losses there were, which positions of before are to be told by: past a loss they are those of other events. Read once,
 * as a loss is accepted while nothing runs.
 */
export class AcceptedLosses {
  private read: Promise<readonly Loss[]> | undefined;

  constructor(private readonly pool: Pick<Pool, 'query'>) {}

  /** The latest of them; undefined where there was none. */
  async latest(): Promise<number | undefined> {
    return (await this.all()).at(-1)?.id;
  }

  /**
   * Whether the event at a position may be another than it was.
   * @param since the latest loss then; one that is not known here counts as none
   */
  async isLost(position: number, since: number | undefined): Promise<boolean> {
    const losses = await this.all();
    const known = losses.findIndex(({ id }) => id === since);
    return losses.slice(known + 1).some(({ from }) => position >= from);
  }

  private all(): Promise<readonly Loss[]> {
    this.read ??= this.pool
      .query<Loss>(LOSSES)
      .then(({ rows }) => rows)
      .catch((error: unknown) => {
        this.read = undefined;
        throw error;
      });
    return this.read;
  }
}
