import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { nameKey, Refused } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { claimTenantName } from './tenant-name.decider.js';
import {
  acceptedTenant,
  executeOnTenant,
  executeOnTenantName,
  firstTenant,
  loadTenant,
  type TenantResource,
} from './tenant-streams.js';
import { type RequestableRole, setRequestableRoles } from './tenant.decider.js';

/** Claims the new name; the renaming and the release of the old name follow from the claim. */
export class RenameTenant extends Command<Accepted<TenantResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string; name: string; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(RenameTenant)
export class RenameTenantHandler implements ICommandHandler<RenameTenant> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: RenameTenant): Promise<Accepted<TenantResource>> {
    const { tenantId, name, ifRevision } = input;
    const before = await loadTenant(this.runtime, tenantId);
    if (before.status === 'absent') throw new Refused('not-found');
    const stale = ifRevision !== undefined && ifRevision !== before.revision;
    const claim = {
      for: 'renaming' as const,
      previousName: before.name,
      ...(ifRevision !== undefined && { ifRevision }),
    };
    const refusal = before.status !== 'active' ? 'not-found' : stale ? 'stale-revision' : undefined;
    const outcome = await executeOnTenantName(this.runtime, context, input, (state) =>
      refusal ? { refused: refusal } : claimTenantName({ tenantId, name, key: nameKey(name), claim }, state),
    );
    const position = await this.followUps.run(outcome.events, outcome.position);
    return acceptedTenant(await firstTenant(this.runtime, tenantId, outcome.events), position);
  }
}

/** Decides which built-in roles may be requested in the tenant and its workspaces. */
export class SetRequestableRoles extends Command<Accepted<TenantResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string; roles: readonly RequestableRole[]; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(SetRequestableRoles)
export class SetRequestableRolesHandler implements ICommandHandler<SetRequestableRoles> {
  constructor(private readonly runtime: DeciderRuntime) {}

  async execute({ context, input }: SetRequestableRoles): Promise<Accepted<TenantResource>> {
    const outcome = await executeOnTenant(this.runtime, context, input.tenantId, (state) =>
      setRequestableRoles({ ...input, at: context.at }, state),
    );
    return acceptedTenant(outcome.state, outcome.position);
  }
}
