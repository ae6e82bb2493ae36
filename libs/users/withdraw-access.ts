import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Pool } from 'pg';
import { POOL } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps, type Positioned, Progress } from '../projections/index.js';
import { noteWithdrawal, RESTORED_AT_ONCE, restoreAccess } from './user.decider.js';
import { executeOnUser } from './user-streams.js';

/** Puts a suspension on the record of every tenant in which the user holds anything. */
export class WithdrawAccess extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: {
      userId: string;
      /** Of the suspension. */
      position: number;
    },
  ) {
    super();
  }
}

@CommandHandler(WithdrawAccess)
export class WithdrawAccessHandler implements ICommandHandler<WithdrawAccess> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly progress: Progress,
    @Inject(POOL) private readonly pool: Pool,
  ) {}

  async execute({ context, input: { userId, position } }: WithdrawAccess): Promise<Positioned> {
    await requireProjected(this.progress, position);
    let last = position;
    for (const { tenantId } of await withdrawnOf(this.pool, userId)) {
      if (tenantId === null) continue;
      const noted = await executeOnUser(
        this.runtime,
        stepContext(context, tenantId),
        userId,
        (state) => noteWithdrawal({ tenantId, at: context.at }, state),
        tenantId,
      );
      last = Math.max(last, noted.position);
    }
    return { position: last };
  }
}

/** Brings back what a reinstated user holds: tenant by tenant, and a large part in steps. */
export class RestoreAccess extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: {
      userId: string;
      /** The one that is gone on with; null for what belongs to none. All where it is not given. */
      tenantId?: string | null;
      /** Of the reinstatement, or of the step before. */
      position: number;
    },
  ) {
    super();
  }
}

@CommandHandler(RestoreAccess)
export class RestoreAccessHandler implements ICommandHandler<RestoreAccess> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
    private readonly progress: Progress,
    @Inject(POOL) private readonly pool: Pool,
  ) {}

  async execute({ context, input }: RestoreAccess): Promise<Positioned> {
    await requireProjected(this.progress, input.position);
    const withdrawn = await withdrawnOf(this.pool, input.userId);
    let position = input.position;
    for (const { tenantId, tuples } of withdrawn) {
      if (input.tenantId !== undefined && tenantId !== input.tenantId) continue;
      const more = tuples > RESTORED_AT_ONCE;
      const restored = await executeOnUser(
        this.runtime,
        stepContext(context, tenantId ?? 'installation'),
        input.userId,
        (state) => restoreAccess({ tenantId, more, at: context.at }, state),
        tenantId,
      );
      position = Math.max(position, await this.followUps.run(restored.events, restored.position));
    }
    return { position };
  }
}

/** @throws Refused `not-yet` where rows lag behind: they could not name everything */
async function requireProjected(progress: Progress, position: number): Promise<void> {
  if (!(await progress.confirm('projected', position))) throw new Refused('not-yet');
}

/** Where something of the user is withdrawn, and how many relationships. Nothing comes back in a tenant that is deleted. */
async function withdrawnOf(pool: Pool, userId: string): Promise<{ tenantId: string | null; tuples: number }[]> {
  const { rows } = await pool.query<{ tenantId: string | null; tuples: number }>(
    `select tenant_id as "tenantId", count(distinct tuple)::integer as tuples from relationship_source s
     where split_part(subject, '#', 1) = $1 and subject = $1 and withdrawn
       and not exists (select from closed_tenant c where c.tenant_id = s.tenant_id)
     group by tenant_id order by tenant_id`,
    [`user:${userId}`],
  );
  return rows;
}
