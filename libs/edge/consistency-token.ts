import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { type EventLog } from '../event-store/index.js';
import { Gathered, Refused, sign, verify } from '../platform/index.js';
import { Progress, type Stage } from '../projections/index.js';
import { AcceptedLosses } from './accepted-losses.js';
import { EVENT_LOG, POOL, SIGNING_KEY } from './injection-tokens.js';

/** What a token stands for: a place in one log, and the call that got there. */
export interface Place {
  position: number;
  correlationId: string;
}

const READ_WAIT_MS = 5_000;

@Injectable()
export class ConsistencyTokens {
  private readonly losses: AcceptedLosses;
  private readonly parked = new Gathered((places: readonly Place[]) => this.areParked(places), 1);

  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(SIGNING_KEY) private readonly key: string,
    private readonly progress: Progress,
  ) {
    this.losses = new AcceptedLosses(pool);
  }

  async issue({ position, correlationId }: Place): Promise<string> {
    const [incarnation, loss] = await Promise.all([this.log.incarnation(), this.losses.latest()]);
    return sign(
      { i: incarnation, n: 0, p: position, c: correlationId, ...(loss !== undefined && { l: loss }) },
      this.key,
    );
  }

  /**
   * Waits until what the token stands for can be read.
   * @throws Refused `malformed-token`, `foreign-log` (the log was replaced, or has lost the event), `not-yet`, `effect-parked`
   */
  async await(token: string, stage: Stage, timeoutMs = READ_WAIT_MS): Promise<void> {
    const place = await this.read(token);
    if (!(await this.progress.waitFor(stage, place.position, timeoutMs))) throw new Refused('not-yet');
    if (stage === 'delivered' && (await this.isParked(place))) throw new Refused('effect-parked');
  }

  /** Whether an effect of the call was refused by SpiceDB and waits for an operator. */
  isParked(place: Place): Promise<boolean> {
    return this.parked.ask(place);
  }

  private async areParked(places: readonly Place[]): Promise<boolean[]> {
    const { rows } = await this.pool.query<{ no: number }>({
      name: 'parked-effects',
      text: `select distinct no from unnest($1::bigint[], $2::text[]) with ordinality as asked(upto, correlation, no)
       join parked on status = 'parked' and position <= upto and correlation_id = correlation`,
      values: [places.map(({ position }) => position), places.map(({ correlationId }) => correlationId)],
    });
    const found = new Set(rows.map(({ no }) => no));
    return places.map((_, index) => found.has(index + 1));
  }

  private async read(token: string): Promise<Place> {
    const payload = verify(token, this.key);
    if (typeof payload?.p !== 'number' || typeof payload.c !== 'string') throw new Refused('malformed-token');
    if (payload.i !== (await this.log.incarnation())) throw new Refused('foreign-log');
    if (payload.l !== undefined && typeof payload.l !== 'number') throw new Refused('malformed-token');
    if (await this.losses.isLost(payload.p, payload.l)) throw new Refused('foreign-log');
    return { position: payload.p, correlationId: payload.c };
  }
}
