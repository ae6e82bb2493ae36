import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import type { Positioned } from '../projections/index.js';
import { allowsMoreThan, type Role, roleAt } from '../roles/index.js';
import { hasServiceAccount } from '../service-accounts/index.js';
import { loadTenant } from '../tenants/index.js';
import { loadUser } from '../users/index.js';
import { loadWorkspaceTree } from '../workspaces/index.js';
import { isBuiltIn, type RoleName } from './assignment.decider.js';
import type { AssignmentKey } from './assignment-streams.js';
import { EndRole } from './end-role.js';

/** Ends a role that was given while its target or itself was deleted or its holder went, in whichever order. */
export class EndOrphanedRole extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: AssignmentKey & { role: RoleName; roleRevision?: number; source: string; position: number },
  ) {
    super();
  }
}

@CommandHandler(EndOrphanedRole)
export class EndOrphanedRoleHandler implements ICommandHandler<EndOrphanedRole> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
  ) {}

  async execute({ context, input }: EndOrphanedRole): Promise<Positioned> {
    const [holderGone, targetGone] = await Promise.all([this.isHolderGone(input), this.isTargetGone(input)]);
    const reason = holderGone || targetGone ? ('removed' as const) : await faultOfRole(this.runtime, input);
    if (!reason) return input;
    const { tenantId, subject, target, role, source } = input;
    const end = { tenantId, subject, target, role, sources: [source], reason };
    return this.bus.execute(new EndRole(context, end));
  }

  private async isHolderGone({ tenantId, subject: { type, id } }: AssignmentKey): Promise<boolean> {
    if (type === 'user') return (await loadUser(this.runtime, id)).status === 'deactivated';
    return !(await hasServiceAccount(this.runtime, { tenantId, serviceAccountId: id }));
  }

  private async isTargetGone({ tenantId, target }: AssignmentKey): Promise<boolean> {
    if (target.type === 'tenant') return (await loadTenant(this.runtime, tenantId)).status !== 'active';
    return !(await loadWorkspaceTree(this.runtime, tenantId)).workspaces.has(target.id);
  }
}

/** Judged by the order of the log: what becomes of the role later is no fault of a grant. */
export async function faultOfRole(
  runtime: DeciderRuntime,
  { role, roleRevision, source, position }: { role: RoleName; roleRevision?: number; source: string; position: number },
): Promise<'role-deleted' | 'role-changed' | undefined> {
  if (isBuiltIn(role)) return undefined;
  const then = await roleAt(runtime, role, position);
  if (then.status === 'absent' || !mayBeGiven(then, source)) return 'role-deleted';
  return allowsMoreThan(then, roleRevision) ? 'role-changed' : undefined;
}

/** What a request gives was approved before the deletion of the role started, which then finds it in use. */
export function mayBeGiven({ status }: Pick<Role, 'status'>, source: string): boolean {
  return status === 'active' || (status === 'deleting' && source.startsWith('request:'));
}
