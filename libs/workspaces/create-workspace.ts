import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { sameNameAs } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { acceptedWorkspace, executeOnTree, type WorkspaceResource } from './workspace-stream.js';
import { createWorkspace } from './workspace-tree.decider.js';

export class CreateWorkspace extends Command<Accepted<WorkspaceResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: {
      workspaceId: string;
      tenantId: string;
      name: string;
      /** null creates the root. */
      parentId: string | null;
      /** Becomes the workspace's admin. */
      creatorId: string | null;
      creatorType?: 'user' | 'service_account';
    },
  ) {
    super();
  }
}

@CommandHandler(CreateWorkspace)
export class CreateWorkspaceHandler implements ICommandHandler<CreateWorkspace> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: CreateWorkspace): Promise<Accepted<WorkspaceResource>> {
    const outcome = await executeOnTree(this.runtime, context, input.tenantId, (tree) =>
      createWorkspace({ ...input, at: context.at }, tree, sameNameAs),
    );
    const position = await this.followUps.run(outcome.events, outcome.position);
    return acceptedWorkspace(input.tenantId, input.workspaceId, { ...outcome, position });
  }
}
