import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Pool } from 'pg';
import { type Accepted, POOL } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps, forEachOf, type Positioned } from '../projections/index.js';
import { loadTenant } from '../tenants/index.js';
import { RoleHolders } from './role-holders.js';
import { executeOnRole, requireRole, type RoleKey, roleStream } from './role-streams.js';
import { deleteWithTenant, finishRoleDeletion, role, startRoleDeletion } from './role.decider.js';

/** Starts the deletion of a role that nobody holds; whether that is still so once nobody is given it any more, decides. */
export class DeleteRole extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: RoleKey & { ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(DeleteRole)
export class DeleteRoleHandler implements ICommandHandler<DeleteRole> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
    private readonly holders: RoleHolders,
  ) {}

  async execute({ context, input }: DeleteRole): Promise<Accepted> {
    if (!(await this.runtime.repeated(roleStream(input.roleId), role, context.commandId))) {
      const { revision } = await requireRole(this.runtime, input);
      const stale = input.ifRevision !== undefined && input.ifRevision !== revision;
      if (!stale && (await this.holders.any(input))) throw new Refused('role-in-use');
    }
    const outcome = await executeOnRole(this.runtime, context, input, (state) =>
      startRoleDeletion({ ...input, at: context.at }, state),
    );
    const position = await this.followUps.run(outcome.events, outcome.position);
    const after = (await this.runtime.at(roleStream(input.roleId), role, position)).state;
    if (after.status === 'active') throw new Refused('role-in-use');
    if (after.status === 'deleting') throw new Refused('not-yet');
    return { resource: {}, revision: 0, position };
  }
}

/** Deletes a role whose deletion started, unless somebody was given it before that. */
export class CompleteRoleDeletion extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: RoleKey & { position: number },
  ) {
    super();
  }
}

@CommandHandler(CompleteRoleDeletion)
export class CompleteRoleDeletionHandler implements ICommandHandler<CompleteRoleDeletion> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
    private readonly holders: RoleHolders,
  ) {}

  async execute({ context, input }: CompleteRoleDeletion): Promise<Positioned> {
    if (!(await this.holders.areKnownAt(input.position))) throw new Refused('not-yet');
    const inUse = await this.holders.any(input);
    const outcome = await executeOnRole(this.runtime, context, input, (state) =>
      finishRoleDeletion({ inUse, at: context.at }, state),
    );
    return { position: await this.followUps.run(outcome.events, outcome.position) };
  }
}

/** Deletes a role that was created while its tenant was being deleted. */
export class DeleteOrphanedRole extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: RoleKey & { position: number },
  ) {
    super();
  }
}

@CommandHandler(DeleteOrphanedRole)
export class DeleteOrphanedRoleHandler implements ICommandHandler<DeleteOrphanedRole> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: DeleteOrphanedRole): Promise<Positioned> {
    if ((await loadTenant(this.runtime, input.tenantId)).status === 'active') return input;
    const { at } = context;
    const outcome = await executeOnRole(this.runtime, context, input, (state) => deleteWithTenant({ at }, state));
    return { position: await this.followUps.run(outcome.events, outcome.position) };
  }
}

/** Deletes every role of a tenant that is being deleted. */
export class ClearRoles extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string; position: number },
  ) {
    super();
  }
}

@CommandHandler(ClearRoles)
export class ClearRolesHandler implements ICommandHandler<ClearRoles> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
    private readonly holders: RoleHolders,
    @Inject(POOL) private readonly pool: Pool,
  ) {}

  async execute({ context, input: { tenantId, position } }: ClearRoles): Promise<Positioned> {
    // Rows that lag behind the event can't name all of them: the relay's process comes later, and finds them there.
    if (!(await this.holders.areKnownAt(position))) return { position };
    const { rows } = await this.pool.query<{ id: string }>('select id from role where tenant_id = $1', [tenantId]);
    return forEachOf(rows, position, ({ id }) => this.delete(context, { tenantId, roleId: id }));
  }

  private async delete(context: CommandContext, key: RoleKey): Promise<Positioned> {
    const step = stepContext(context, key.roleId);
    const outcome = await executeOnRole(this.runtime, step, key, (state) => deleteWithTenant(context, state));
    return { position: await this.followUps.run(outcome.events, outcome.position) };
  }
}
