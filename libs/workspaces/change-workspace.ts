import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { sameNameAs } from '../platform/index.js';
import { acceptedWorkspace, executeOnTree, type WorkspaceResource } from './workspace-stream.js';
import { changeWorkspace } from './workspace-tree.decider.js';

export class ChangeWorkspace extends Command<Accepted<WorkspaceResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: { workspaceId: string; tenantId: string; name?: string; parentId?: string; ifRevision?: number },
  ) {
    super();
  }
}

@CommandHandler(ChangeWorkspace)
export class ChangeWorkspaceHandler implements ICommandHandler<ChangeWorkspace> {
  constructor(private readonly runtime: DeciderRuntime) {}

  async execute({ context, input }: ChangeWorkspace): Promise<Accepted<WorkspaceResource>> {
    const outcome = await executeOnTree(this.runtime, context, input.tenantId, (tree) =>
      changeWorkspace({ ...input, at: context.at }, tree, sameNameAs),
    );
    return acceptedWorkspace(input.tenantId, input.workspaceId, outcome);
  }
}
