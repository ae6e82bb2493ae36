import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Accepted } from '../edge/index.js';
import {
  type CommandContext,
  DeciderRuntime,
  type DomainEvent,
  followUpContext,
  type Outcome,
  type Recorded,
} from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { FollowUps, Progress } from '../projections/index.js';
import { endAdmin, executeOnTenant, grantAdmin, tenant, tenantStream } from '../tenants/index.js';
import { allowsMoreThan, requireRole } from '../roles/index.js';
import { assignment, grantRole, isBuiltIn, liveRoles, type RoleGranted, type RoleName } from './assignment.decider.js';
import {
  type AssignmentKey,
  ASSIGNMENTS_PROCESS,
  assignmentStream,
  executeOnAssignment,
  goneBeside,
  hadTarget,
  isStale,
  isStaleAdmin,
  loadStanding,
  requireSubject,
  isSparedAdmin,
  type Standing,
  unlessOwn,
} from './assignment-streams.js';
import { faultOfRole, mayBeGiven } from './end-orphaned-role.js';
import { type MemberResource, memberResource } from './member-resource.js';

type Granted = Outcome<unknown, DomainEvent>;

/** Whom of those with built-in roles on a target somebody may change there; `members` are not its admins. */
export type Changeable = 'everybody' | 'members' | 'nobody';

/** Somebody who gives a role: what they ask for takes the place of other built-in roles, and its end must be ahead. */
export interface GivingCaller {
  kind: 'caller';
  mayChange: Changeable;
  /** Refused as not found unless something is held already. */
  mustHold?: boolean;
  /** Refused because they would give it to themselves; a last admin is told that they are one. */
  isOwn?: boolean;
  /** The revision of the member that they saw. */
  ifRevision?: number;
  /** How the call names the subject. */
  subjectField?: string;
}

/** Something that happened: what can't be is refused, and nothing else. */
export interface GivingProcess {
  kind: 'process';
  /** A built-in role takes the place of other built-in ones on the target. */
  replaces: boolean;
}

export type Giver = GivingCaller | GivingProcess;

/** What a process gives comes beside what is there. */
export const BY_PROCESS: GivingProcess = { kind: 'process', replaces: false };

/** Gives a role on a target to a subject, from a source. */
export class GrantRole extends Command<Accepted<MemberResource>> {
  constructor(
    readonly context: CommandContext,
    readonly input: AssignmentKey & {
      role: RoleName;
      /** Of a role of the tenant: the revision whose permissions who gives it was found to hold. */
      roleRevision?: number;
      /** `direct`, `creation`, `request:{id}`. */
      source: string;
      until: string | null;
      giver: Giver;
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
    private readonly progress: Progress,
  ) {}

  async execute({ context, input }: GrantRole): Promise<Accepted<MemberResource>> {
    const first = await this.first(context, input);
    const outcome = first ?? (await this.grant(context, input));
    const position = await this.followUps.run(outcome.events, outcome.position);
    await this.requireFaultless(outcome.events, position);
    // As it stood with the grant: a repeat must not find what became of it since.
    const then = { at: context.at, position: await this.settledAt(input, outcome) };
    if (!(await hadTarget(this.runtime, input, then.position))) throw new Refused('not-found');
    return { ...(await memberResource(this.runtime, input, then)), position };
  }

  /** A role of the tenant may have been changed or deleted while it was given: then the grant has ended at once. */
  private async requireFaultless(events: Granted['events'], settled: number): Promise<void> {
    const granted = events.find(({ type }) => type === 'role-granted.v1');
    if (!granted) return;
    const { position, data } = granted as Recorded<RoleGranted>;
    const fault = await faultOfRole(this.runtime, { ...data, position });
    if (!fault) return;
    const refusal = new Refused(fault === 'role-changed' ? 'role-changed-meanwhile' : 'not-found');
    await this.progress.refuseTakenBack(settled, refusal);
  }

  /** What a repeat of the command did before, on whichever stream it was: the person may hold something else by now. */
  private async first({ commandId }: CommandContext, input: GrantRole['input']): Promise<Granted | undefined> {
    const granted = await this.runtime.repeated(assignmentStream(input), assignment, commandId);
    if (granted || input.target.type !== 'tenant') return granted;
    return this.runtime.repeated(tenantStream(input.tenantId), tenant, commandId);
  }

  /** Where the log stood once the grant was made; with what follows from it where another stream decided it. */
  private async settledAt(input: GrantRole['input'], { events: [event], position }: Granted): Promise<number> {
    const stream = assignmentStream(input);
    if (!event || event.stream === stream) return position;
    const { commandId } = followUpContext(event, ASSIGNMENTS_PROCESS, 0);
    return (await this.runtime.repeated(stream, assignment, commandId))?.position ?? position;
  }

  private async grant(context: CommandContext, input: GrantRole['input']): Promise<Granted> {
    requireAhead(input, context);
    const standing = await loadStanding(this.runtime, input, context.at);
    const { mustHold, isOwn, subjectField } = askedBy(input);
    if (mustHold && Object.keys(standing.held).length === 0) throw new Refused('not-found');
    await requireSubject(this.runtime, input, subjectField);
    requireFit(input);
    if (isOwn && input.role !== 'member') throw new Refused('own-membership');
    if (!isBuiltIn(input.role)) return this.onAssignment(context, input, standing, await this.isAsJudged(input));
    if (input.target.type === 'workspace') return this.onAssignment(context, input, standing);
    if (input.role === 'admin') return this.asAdmin(context, input, standing);
    const demoted = replaces(input) ? await this.demote(context, input, standing) : undefined;
    return demoted && demoted.events.length > 0 ? demoted : this.onAssignment(context, input, standing);
  }

  /** @throws Refused `not-found`, `conflict` for a role that nobody is given any more */
  private async isAsJudged({ tenantId, role: roleId, roleRevision, source }: GrantRole['input']): Promise<boolean> {
    const found = await requireRole(this.runtime, { tenantId, roleId });
    if (!mayBeGiven(found, source)) throw new Refused('conflict');
    return !allowsMoreThan(found, roleRevision);
  }

  private onAssignment(
    context: CommandContext,
    input: GrantRole['input'],
    { removedAt, revisions }: Standing,
    asJudged = true,
  ) {
    const command = { ...input, replace: replaces(input), removedAt, at: context.at };
    return executeOnAssignment(this.runtime, context, input, (state) => {
      const decided = grantRole(command, state);
      const changes = !Array.isArray(decided) || decided.length > 0;
      if (changes && isSpared(input, Object.keys(liveRoles(state, command)))) return { refused: 'forbidden' };
      if (changes && !asJudged) return { refused: 'role-changed-meanwhile' };
      return isStale(askedBy(input), state.revision + revisions.admin) ? { refused: 'stale-revision' } : decided;
    });
  }

  private async asAdmin(context: CommandContext, input: GrantRole['input'], { held, revisions }: Standing) {
    const { tenantId, subject, source, until } = input;
    const replacesMember = replaces(input) && held.member !== undefined;
    const gone = await goneBeside(this.runtime, { tenantId, userId: subject.id });
    const command = { userId: subject.id, source, until, replacesMember, gone, at: context.at };
    return executeOnTenant(this.runtime, context, tenantId, (state) =>
      isStaleAdmin({ ...askedBy(input), subject }, state, revisions)
        ? { refused: 'stale-revision' }
        : grantAdmin(command, state),
    );
  }

  private async demote(context: CommandContext, input: GrantRole['input'], { revisions }: Standing) {
    const { tenantId, subject, until } = input;
    const { mayChange = 'everybody', isOwn, ifRevision } = askedBy(input);
    const sparesAdmins = mayChange !== 'everybody';
    const gone = await goneBeside(this.runtime, { tenantId, userId: subject.id });
    const command = { userId: subject.id, reason: 'demoted' as const, becomesMember: { until }, gone, at: context.at };
    return executeOnTenant(this.runtime, context, tenantId, (state) => {
      if (isSparedAdmin({ subject, sparesAdmins }, state, context)) return { refused: 'forbidden' };
      if (isStaleAdmin({ subject, ifRevision }, state, revisions)) return { refused: 'stale-revision' };
      return unlessOwn({ isOwn }, endAdmin(command, state));
    });
  }
}

/** What holds for a caller alone. */
function askedBy({ giver }: Pick<GrantRole['input'], 'giver'>): Partial<GivingCaller> {
  return giver.kind === 'caller' ? giver : {};
}

function replaces({ giver }: GrantRole['input']): boolean {
  return giver.kind === 'caller' || giver.replaces;
}

function isSpared(input: GrantRole['input'], held: readonly RoleName[]): boolean {
  const { mayChange = 'everybody' } = askedBy(input);
  return (mayChange === 'members' && held.includes('admin')) || (mayChange === 'nobody' && held.some(isBuiltIn));
}

/** @throws Refused `until-passed` */
function requireAhead({ until, giver }: GrantRole['input'], { at }: CommandContext): void {
  if (giver.kind !== 'caller' || until === null || until > at) return;
  throw new Refused('until-passed', 'until must be in the future', { field: 'until' });
}

/** @throws Refused `role-not-for-service-accounts` */
export function requireFit({ subject, target, role }: Pick<GrantRole['input'], 'subject' | 'target' | 'role'>): void {
  if (subject.type === 'service_account' && target.type === 'tenant' && role === 'admin') {
    throw new Refused('role-not-for-service-accounts', undefined, { field: 'role' });
  }
}
