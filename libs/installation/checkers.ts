import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { FollowUps } from '../projections/index.js';
import { findServiceAccount } from '../service-accounts/index.js';
import { loadUser } from '../users/index.js';
import { type CheckerSubject, checkerKey, endChecker, grantChecker } from './installation.decider.js';
import { executeOnInstallation } from './installation-stream.js';

/** Who may ask what others may do, in every tenant. */
export interface CheckerResource {
  /** Of the subject. */
  id: string;
  subject: CheckerSubject;
  since: string;
}

export class GrantChecker extends Command<Accepted<CheckerResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: { subject: CheckerSubject },
  ) {
    super();
  }
}

@CommandHandler(GrantChecker)
export class GrantCheckerHandler implements ICommandHandler<GrantChecker> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input: { subject } }: GrantChecker): Promise<Accepted<CheckerResource>> {
    const isThere = await isStillThere(this.runtime, subject);
    const outcome = await executeOnInstallation(this.runtime, context, (state) =>
      grantChecker({ subject, isThere, at: context.at }, state),
    );
    const { since, revision } = outcome.state.checkers[checkerKey(subject)]!;
    const position = await this.followUps.run(outcome.events, outcome.position);
    return { resource: { id: subject.id, subject, since }, revision, position };
  }
}

export class EndChecker extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: {
      subjectId: string;
      reason: 'revoked' | 'subject-gone';
      /** Refused as not found for who is none. */
      mustHold?: boolean;
      /** The revision of the checker that the caller saw. */
      ifRevision?: number;
    },
  ) {
    super();
  }
}

@CommandHandler(EndChecker)
export class EndCheckerHandler implements ICommandHandler<EndChecker> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: EndChecker): Promise<Accepted> {
    const outcome = await executeOnInstallation(this.runtime, context, (state) =>
      endChecker({ ...input, at: context.at }, state),
    );
    return { resource: {}, revision: 0, position: await this.followUps.run(outcome.events, outcome.position) };
  }
}

/** Ends what was given to somebody who went in the same moment. */
export class EndOrphanedChecker extends Command<Accepted> {
  constructor(
    readonly context: CommandContext,
    readonly input: { subject: CheckerSubject; position: number },
  ) {
    super();
  }
}

@CommandHandler(EndOrphanedChecker)
export class EndOrphanedCheckerHandler implements ICommandHandler<EndOrphanedChecker> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input: { subject, position } }: EndOrphanedChecker): Promise<Accepted> {
    if (await isStillThere(this.runtime, subject)) return { resource: {}, revision: 0, position };
    const outcome = await executeOnInstallation(this.runtime, context, (state) =>
      endChecker({ subjectId: subject.id, reason: 'subject-gone', at: context.at }, state),
    );
    return { resource: {}, revision: 0, position: await this.followUps.run(outcome.events, outcome.position) };
  }
}

/** Who is suspended may come back. */
async function isStillThere(runtime: DeciderRuntime, { type, id }: CheckerSubject): Promise<boolean> {
  if (type === 'service_account') return (await findServiceAccount(runtime, id))?.active ?? false;
  const { status } = await loadUser(runtime, id);
  return status === 'active' || status === 'suspended';
}
