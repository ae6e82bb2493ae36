import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, type DomainEvent, type Outcome } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { endAdmin, executeOnTenant, grantAdmin } from '../tenants/index.js';
import { grantRole, type RoleName } from './assignment.decider.js';
import {
  type AssignmentKey,
  executeOnAssignment,
  lastRemoval,
  loadStanding,
  requireSubject,
  requireTarget,
} from './assignment-streams.js';
import { type MemberResource, memberResource } from './member-resource.js';

/** Gives a role on a target to a subject, from a source. */
export class GrantRole extends Command<Accepted<MemberResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: AssignmentKey & {
      role: RoleName;
      /** `direct`, `creation`, `request:{id}`. */
      source: string;
      until: string | null;
      /** Takes the place of other built-in roles on the target. */
      replaces: boolean;
      /** Refused as not found unless something is held already. */
      mustHold?: boolean;
    },
  ) {
    super();
  }
}

@CommandHandler(GrantRole)
export class GrantRoleHandler implements ICommandHandler<GrantRole> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: GrantRole): Promise<Accepted<MemberResource>> {
    await requireTarget(this.runtime, input);
    await requireSubject(this.runtime, input.subject);
    if (input.mustHold) await this.requireMember(context, input);
    const position = await this.grant(context, input);
    return memberResource(this.runtime, input, context.at, position);
  }

  private async requireMember(context: CommandContext, input: GrantRole['input']): Promise<void> {
    const { held } = await loadStanding(this.runtime, input, context.at);
    if (Object.keys(held).length === 0) throw new Refused('not-found');
  }

  private async grant(context: CommandContext, input: GrantRole['input']): Promise<number> {
    if (input.target.type === 'workspace') return this.onAssignment(context, input);
    if (input.role === 'admin') return this.follow(await this.asAdmin(context, input));
    const demoted = input.replaces ? await this.demote(context, input) : undefined;
    return demoted && demoted.events.length > 0 ? this.follow(demoted) : this.onAssignment(context, input);
  }

  private async onAssignment(context: CommandContext, input: GrantRole['input']): Promise<number> {
    const removedAt = await lastRemoval(this.runtime, input);
    const command = { ...input, replace: input.replaces, removedAt, at: context.at };
    return this.follow(await executeOnAssignment(this.runtime, context, input, (state) => grantRole(command, state)));
  }

  private async asAdmin(context: CommandContext, input: GrantRole['input']) {
    const { tenantId, subject, source, until, replaces } = input;
    const { held } = await loadStanding(this.runtime, input, context.at);
    const replacesMember = replaces && held.member !== undefined;
    const command = { userId: subject.id, source, until, replacesMember, at: context.at };
    return executeOnTenant(this.runtime, context, tenantId, (state) => grantAdmin(command, state));
  }

  private demote(context: CommandContext, { tenantId, subject, until }: GrantRole['input']) {
    const command = { userId: subject.id, reason: 'demoted' as const, becomesMember: { until }, at: context.at };
    return executeOnTenant(this.runtime, context, tenantId, (state) => endAdmin(command, state));
  }

  private follow({ events, position }: Outcome<unknown, DomainEvent>): Promise<number> {
    return this.followUps.run(events, position);
  }
}
