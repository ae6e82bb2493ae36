import type { ClientBase, Pool } from 'pg';

/** Another relay has the lease, or ours ran out while we were away. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

export const LEASE_MS = 4_000;

/** The right to be the one relay of a partition, for a few seconds at a time, by the database's clock. */
export class Lease {
  private epoch: number | undefined;

  constructor(
    private readonly pool: Pool,
    private readonly partition: number,
    private readonly owner: string,
    private readonly ttlMs = LEASE_MS,
  ) {}

  get held(): boolean {
    return this.epoch !== undefined;
  }

  /** Takes the lease if nobody has it, also where it ends later than any could: then the database's clock was put back. */
  async acquire(): Promise<boolean> {
    const { rows } = await this.pool.query<{ epoch: number }>(
      `insert into relay_lease as l (partition, owner, epoch, expires_at)
       values ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
       on conflict (partition) do update
         set owner = excluded.owner, epoch = l.epoch + 1, expires_at = excluded.expires_at
         where l.expires_at <= clock_timestamp()
           or l.expires_at > clock_timestamp() + interval '2 minutes'
       returning epoch`,
      [this.partition, this.owner, this.ttlMs],
    );
    this.epoch = rows[0]?.epoch;
    return this.held;
  }

  /** @throws LeaseLost */
  async renew(): Promise<void> {
    const { rowCount } = await this.pool.query(
      `update relay_lease set expires_at = clock_timestamp() + $4 * interval '1 millisecond'
       where partition = $1 and owner = $2 and epoch = $3`,
      [this.partition, this.owner, this.epoch ?? -1, this.ttlMs],
    );
    if (rowCount === 0) this.lose();
  }

  /**
   * Holds the lease until the caller's transaction ends: whoever takes it over waits for that. A process that stops in
   * the middle of it loses the transaction when its lease would have run out.
   * @throws LeaseLost
   */
  async hold(client: ClientBase): Promise<void> {
    const { rowCount } = await client.query({
      name: 'hold-relay-lease',
      text: `select set_config('idle_in_transaction_session_timeout', $4, true) from relay_lease
       where partition = $1 and owner = $2 and epoch = $3 for share`,
      values: [this.partition, this.owner, this.epoch ?? -1, String(this.ttlMs)],
    });
    if (rowCount === 0) this.lose();
  }

  async release(): Promise<void> {
    const { epoch } = this;
    this.epoch = undefined;
    await this.pool.query(
      `update relay_lease set expires_at = clock_timestamp() where partition = $1 and owner = $2 and epoch = $3`,
      [this.partition, this.owner, epoch ?? -1],
    );
  }

  private lose(): never {
    this.epoch = undefined;
    throw new LeaseLost(`another relay took over partition ${this.partition}`);
  }
}
