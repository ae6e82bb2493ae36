import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { FollowUps } from '../projections/index.js';
import { executeOnTree } from './workspace-stream.js';
import { deleteWorkspace } from './workspace-tree.decider.js';

export class DeleteWorkspace extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: { workspaceId: string; tenantId: string; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(DeleteWorkspace)
export class DeleteWorkspaceHandler implements ICommandHandler<DeleteWorkspace> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: DeleteWorkspace): Promise<Accepted> {
    const outcome = await executeOnTree(this.runtime, context, input.tenantId, (tree) =>
      deleteWorkspace({ ...input, at: context.at }, tree),
    );
    return { resource: {}, revision: 0, position: await this.followUps.run(outcome.events, outcome.position) };
  }
}
