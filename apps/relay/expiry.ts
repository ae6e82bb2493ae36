import type { CommandBus } from '@nestjs/cqrs';
import type { Pool } from 'pg';
import { EndRole, type RoleName, type Subject, type Target } from '../../libs/assignments/index.js';
import { BEFORE_START } from '../../libs/event-store/index.js';
import { type Clock, derivedUuid, Refused } from '../../libs/platform/index.js';
import type { Progress } from '../../libs/projections/index.js';

interface Due {
  tenantId: string;
  subjectType: Subject['type'];
  subjectId: string;
  targetType: Target['type'];
  targetId: string;
  role: RoleName;
  source: string;
  until: string;
}

export interface ExpiryOptions {
  pool: Pool;
  bus: CommandBus;
  clock: Clock;
  progress: Progress;
  onRefused: (due: object, refusal: Refused) => void;
}

const AT_ONCE = 200;
const LONGEST_SLEEP_MS = 30_000;

/** Records the end of grants that are past it: SpiceDB has stopped honouring them by itself. */
export class Expiry {
  /** What was refused, or is recorded but not yet gone from the rows: not to be tried again and again. */
  private handled = new Set<string>();

  constructor(private readonly options: ExpiryOptions) {}

  /** Ends what is due. @returns milliseconds until the next end, at the longest a while */
  async runNext(): Promise<number> {
    const { clock } = this.options;
    const now = clock.now().toISOString();
    let last = BEFORE_START;
    const found = await this.due(now);
    const ids = new Set(found.map(commandIdOf));
    this.handled = new Set([...this.handled].filter((id) => ids.has(id)));
    for (const due of found) last = Math.max(last, await this.end(due, now));
    if (last > BEFORE_START) await this.options.progress.waitFor('projected', last, LONGEST_SLEEP_MS);
    const next = await this.nextEnd(now);
    if (next === undefined) return LONGEST_SLEEP_MS;
    return Math.min(Math.max(Date.parse(next) - clock.now().getTime(), 1), LONGEST_SLEEP_MS);
  }

  /** @returns the position of the end; before the start of the log where there is none to wait for */
  private async end(due: Due, at: string): Promise<number> {
    const { tenantId, role, source } = due;
    const subject = { type: due.subjectType, id: due.subjectId };
    const target = { type: due.targetType, id: due.targetId };
    const commandId = commandIdOf(due);
    if (this.handled.has(commandId)) return BEFORE_START;
    const context = {
      commandId,
      actor: { type: 'process' as const, id: 'expiry' },
      authentication: 'process',
      correlationId: commandId,
      causationId: null,
      at,
    };
    const input = { tenantId, subject, target, role, sources: [source], reason: 'expired' as const };
    this.handled.add(commandId);
    try {
      return (await this.options.bus.execute(new EndRole(context, input))).position;
    } catch (error) {
      if (!(error instanceof Refused)) {
        this.handled.delete(commandId);
        throw error;
      }
      this.options.onRefused(due, error);
      return BEFORE_START;
    }
  }

  private async due(now: string): Promise<Due[]> {
    const { rows } = await this.options.pool.query<Due>(
      `select tenant_id as "tenantId", subject_type as "subjectType", subject_id as "subjectId",
              target_type as "targetType", target_id as "targetId", role, source, until
       from assignment where until <= $1 order by until limit ${AT_ONCE + this.handled.size}`,
      [now],
    );
    return rows;
  }

  private async nextEnd(now: string): Promise<string | undefined> {
    const { rows } = await this.options.pool.query<{ until: string }>(
      'select until from assignment where until > $1 order by until limit 1',
      [now],
    );
    return rows[0]?.until;
  }
}

function commandIdOf({ subjectId, targetId, role, source, until }: Due): string {
  return derivedUuid('expiry', `${subjectId} ${targetId} ${role} ${source} ${until}`);
}
