import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type AssignmentKey, closeRoleRequest, executeOnAssignment, type RoleName } from '../assignments/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import type { Positioned } from '../projections/index.js';

/** Makes room on the assignment for the next request for the role. */
export class CloseRoleRequest extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: AssignmentKey & { requestId: string; role: RoleName },
  ) {
    super();
  }
}

@CommandHandler(CloseRoleRequest)
export class CloseRoleRequestHandler implements ICommandHandler<CloseRoleRequest> {
  constructor(private readonly runtime: DeciderRuntime) {}

  async execute({ context, input }: CloseRoleRequest): Promise<Positioned> {
    return executeOnAssignment(this.runtime, context, input, (state) =>
      closeRoleRequest({ ...input, at: context.at }, state),
    );
  }
}
