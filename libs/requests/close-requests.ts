import { Inject } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import type { Subject } from '../assignments/index.js';
import { KYSELY } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { FollowUps, forEachOf, type Positioned, Progress } from '../projections/index.js';
import { loadTenant } from '../tenants/index.js';
import { CloseOrphanedRequest } from './complete-submission.js';
import type { RequestTables } from './list-requests.js';
import { closeRequest, type CloseReason } from './request.decider.js';
import { executeOnRequest, type RequestKey } from './request-stream.js';

/** Whose requests, or for what, an event ends. */
export type Ended =
  | { tenantId: string; reason: 'tenant-deleted' }
  | { tenantId: string; reason: 'target-deleted'; workspaceId: string }
  | { tenantId: string; reason: 'role-deleted'; roleId: string }
  | { tenantId: string; reason: 'requester-removed' | 'requester-deactivated'; requesterId: string }
  | { tenantId: null; reason: 'requester-deactivated'; requesterId: string };

/** Closes the pending requests that an event leaves without a point, and ends the grants of those it took away. */
export class CloseRequests extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: { ended: Ended; position: number },
  ) {
    super();
  }
}

@CommandHandler(CloseRequests)
export class CloseRequestsHandler implements ICommandHandler<CloseRequests> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
    private readonly progress: Progress,
    @Inject(KYSELY) private readonly db: Kysely<RequestTables>,
  ) {}

  async execute({ context, input: { ended, position } }: CloseRequests): Promise<Positioned> {
    if (await this.goesWithItsTenant(ended)) return { position };
    // Rows that lag behind the event can't name all of them: the relay's process comes later, and finds them there.
    if (!(await this.progress.confirm('projected', position))) return { position };
    const keys = await this.affected(ended);
    return forEachOf(keys, position, (key) => this.close(context, key, ended.reason, position));
  }

  private async goesWithItsTenant({ tenantId, reason }: Ended): Promise<boolean> {
    return reason === 'target-deleted' && (await loadTenant(this.runtime, tenantId)).status !== 'active';
  }

  private affected(ended: Ended): Promise<RequestKey[]> {
    // A role that is deleted has no grants.
    const onlyPending = ended.tenantId === null || ['tenant-deleted', 'role-deleted'].includes(ended.reason);
    return this.db
      .selectFrom('request')
      .select(['id as requestId', 'tenant_id as tenantId'])
      .where('status', 'in', onlyPending ? ['pending'] : ['pending', 'approved'])
      .$if(ended.tenantId !== null, (query) => query.where('tenant_id', '=', ended.tenantId!))
      .$if('workspaceId' in ended, (query) =>
        query
          .where('target_type', '=', 'workspace')
          .where('target_id', '=', (ended as { workspaceId: string }).workspaceId),
      )
      .$if('roleId' in ended, (query) => query.where('role', '=', (ended as { roleId: string }).roleId))
      .$if('requesterId' in ended, (query) =>
        query.where('requester_id', '=', (ended as { requesterId: string }).requesterId),
      )
      .execute();
  }

  private async close(
    context: CommandContext,
    key: RequestKey,
    reason: CloseReason,
    before: number,
  ): Promise<Positioned> {
    const closed = await executeOnRequest(this.runtime, stepContext(context, key.requestId), key, ({ request }) =>
      closeRequest({ reason, before, at: context.at }, request),
    );
    return { position: await this.followUps.run(closed.events, closed.position) };
  }
}

/** Closes what somebody has asked for and who holds no role on the tenant any more; what they were given stays. */
export class CloseRequestsUnlessMember extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string; requester: Subject; position: number },
  ) {
    super();
  }
}

@CommandHandler(CloseRequestsUnlessMember)
export class CloseRequestsUnlessMemberHandler implements ICommandHandler<CloseRequestsUnlessMember> {
  constructor(
    private readonly bus: CommandBus,
    private readonly progress: Progress,
    @Inject(KYSELY) private readonly db: Kysely<RequestTables>,
  ) {}

  async execute({ context, input: { tenantId, requester, position } }: CloseRequestsUnlessMember): Promise<Positioned> {
    // As above: the relay's process comes later.
    if (!(await this.progress.confirm('projected', position))) return { position };
    const pending = await this.db
      .selectFrom('request')
      .select(['id', 'role', 'target_type', 'target_id'])
      .where('tenant_id', '=', tenantId)
      .where('status', '=', 'pending')
      .where('requester_type', '=', requester.type)
      .where('requester_id', '=', requester.id)
      .execute();
    return forEachOf(pending, position, ({ id: requestId, role, ...row }) => {
      const target = { type: row.target_type, id: row.target_id };
      const asked = { requestId, tenantId, requester, role, target };
      return this.bus.execute(new CloseOrphanedRequest(stepContext(context, requestId), asked));
    });
  }
}
