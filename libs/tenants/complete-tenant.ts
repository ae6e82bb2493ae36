import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { nameKey, Refused } from '../platform/index.js';
import { FollowUps, type Positioned } from '../projections/index.js';
import { ClearWorkspaces, CreateWorkspace } from '../workspaces/index.js';
import { createTenant, finishTenantDeletion, renameTenant, type RequestableRole } from './tenant.decider.js';
import { type NameClaim, releaseTenantName } from './tenant-name.decider.js';
import { executeOnTenant, executeOnTenantName } from './tenant-streams.js';

/** Which roles may be requested in a new tenant: all that do not administrate it. */
const REQUESTABLE: readonly RequestableRole[] = [
  'tenant:member',
  'workspace:admin',
  'workspace:editor',
  'workspace:member',
];

/** Creates what a claimed name is for: first the root workspace, so that no tenant is seen without one. */
export class CompleteTenantCreation extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string; name: string; claim: Extract<NameClaim, { for: 'creation' }> },
  ) {
    super();
  }
}

@CommandHandler(CompleteTenantCreation)
export class CompleteTenantCreationHandler implements ICommandHandler<CompleteTenantCreation> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: CompleteTenantCreation): Promise<Positioned> {
    const { tenantId, name, claim } = input;
    const { rootWorkspaceId, rootWorkspaceName, creatorId } = claim;
    const root = { workspaceId: rootWorkspaceId, tenantId, name: rootWorkspaceName, parentId: null, creatorId: null };
    await this.bus.execute(new CreateWorkspace(stepContext(context, 'root'), root));
    const { at } = context;
    const outcome = await executeOnTenant(this.runtime, context, tenantId, (state) =>
      createTenant({ tenantId, name, rootWorkspaceId, requestable: REQUESTABLE, creatorId, at }, state),
    );
    return { position: await this.followUps.run(outcome.events, outcome.position) };
  }
}

export class CompleteTenantRenaming extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: {
      tenantId: string;
      name: string;
      /** Position of the name's claim. */
      claimedAt: number;
      ifRevision?: number;
    },
  ) {
    super();
  }
}

@CommandHandler(CompleteTenantRenaming)
export class CompleteTenantRenamingHandler implements ICommandHandler<CompleteTenantRenaming> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: CompleteTenantRenaming): Promise<Positioned> {
    const { tenantId, name, claimedAt, ifRevision } = input;
    let present = '';
    try {
      const outcome = await executeOnTenant(this.runtime, context, tenantId, (state) => {
        if (state.status === 'absent') return { refused: 'not-found' };
        present = state.status === 'active' ? state.name : '';
        return renameTenant({ name, claimedAt, ifRevision, at: context.at }, state);
      });
      return { position: await this.followUps.run(outcome.events, outcome.position) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (nameKey(present) !== nameKey(name)) await this.giveUp(context, input);
      throw error;
    }
  }

  private async giveUp(context: CommandContext, { tenantId, name, claimedAt }: CompleteTenantRenaming['input']) {
    const release = { tenantId, name, before: claimedAt };
    await this.bus.execute(new ReleaseTenantName(stepContext(context, 'release'), release));
  }
}

export class ReleaseTenantName extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string; name: string; before: number },
  ) {
    super();
  }
}

@CommandHandler(ReleaseTenantName)
export class ReleaseTenantNameHandler implements ICommandHandler<ReleaseTenantName> {
  constructor(private readonly runtime: DeciderRuntime) {}

  async execute({ context, input }: ReleaseTenantName): Promise<Positioned> {
    return executeOnTenantName(this.runtime, context, input, (state) =>
      releaseTenantName({ ...input, key: nameKey(input.name) }, state),
    );
  }
}

export class CompleteTenantDeletion extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string },
  ) {
    super();
  }
}

@CommandHandler(CompleteTenantDeletion)
export class CompleteTenantDeletionHandler implements ICommandHandler<CompleteTenantDeletion> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input: { tenantId } }: CompleteTenantDeletion): Promise<Positioned> {
    const clearing = new ClearWorkspaces(stepContext(context, 'workspaces'), { tenantId });
    const { workspaces } = await this.bus.execute(clearing);
    const outcome = await executeOnTenant(this.runtime, context, tenantId, (state) =>
      finishTenantDeletion({ workspaces, at: context.at }, state),
    );
    return { position: await this.followUps.run(outcome.events, outcome.position) };
  }
}
