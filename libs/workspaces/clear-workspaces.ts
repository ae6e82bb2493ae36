import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { FollowUps } from '../projections/index.js';
import { executeOnTree } from './workspace-stream.js';
import { clearWorkspaceTree, closeWorkspaceTree } from './workspace-tree.decider.js';

export interface WorkspacesCleared {
  /** How many workspaces went. */
  workspaces: number;
  position: number;
}

/** Deletes every workspace of a tenant that is being deleted, children first. */
export class ClearWorkspaces extends Command<WorkspacesCleared> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string },
  ) {
    super();
  }
}

/** Well under the 1 MiB of one append. */
const WORKSPACES_AT_ONCE = 500;

@CommandHandler(ClearWorkspaces)
export class ClearWorkspacesHandler implements ICommandHandler<ClearWorkspaces> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: ClearWorkspaces): Promise<WorkspacesCleared> {
    const { tenantId } = input;
    const { at } = context;
    let { state, position } = await executeOnTree(this.runtime, stepContext(context, 'close'), tenantId, (tree) =>
      closeWorkspaceTree({ tenantId, at }, tree),
    );
    let workspaces = 0;
    for (let step = 0; state.workspaces.size > 0; step++) {
      const outcome = await executeOnTree(this.runtime, stepContext(context, `clear-${step}`), tenantId, (tree) =>
        clearWorkspaceTree({ tenantId, most: WORKSPACES_AT_ONCE, at }, tree),
      );
      state = outcome.state;
      workspaces += outcome.events.length;
      position = await this.followUps.run(outcome.events, outcome.position);
    }
    return { workspaces, position };
  }
}
