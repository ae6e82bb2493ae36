import type { CommandBus } from '@nestjs/cqrs';
import {
  type AssignmentKey,
  EndRole,
  endRole,
  executeOnAssignment,
  GrantRole,
  grantRole,
  lastRemoval,
  loadStanding,
  RemoveTenantMember,
  removeTenantMember,
  requireSubject,
  requireTarget,
  type RoleName,
  rolesHeld,
} from '../assignments/index.js';
import type { CommandContext, DeciderRuntime } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import type { FollowUps } from '../projections/index.js';
import type { Step } from './plan-change.js';

export interface StepTools {
  bus: CommandBus;
  runtime: DeciderRuntime;
  followUps: FollowUps;
}

/** One step with what it is about. */
export interface Taking {
  step: Step;
  key: AssignmentKey;
  /** Of the command about a role. */
  context: (role: RoleName) => CommandContext;
}

const DIRECT = 'direct';

/** What steps of one stage have in common is read once for all of them. */
export class Readings {
  private readonly done = new Map<string, Promise<unknown>>();

  constructor(private readonly runtime: DeciderRuntime) {}

  /** @throws Refused unless the target is there and the subject is active */
  async allow({ tenantId, subject, target }: AssignmentKey): Promise<void> {
    await Promise.all([
      this.once(target.id, () => requireTarget(this.runtime, { tenantId, target })),
      this.once(subject.id, () => requireSubject(this.runtime, subject)),
    ]);
  }

  lastRemoval(key: AssignmentKey): Promise<number> {
    return this.once(`${key.tenantId} ${key.subject.id}`, () => lastRemoval(this.runtime, key));
  }

  private once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const reading = this.done.get(key) ?? read();
    this.done.set(key, reading);
    return reading as Promise<T>;
  }
}

/** @throws Refused by the deciders */
export async function takeStep(taking: Taking, tools: StepTools, readings: Readings): Promise<void> {
  const { grants, ends } = taking.step;
  const isChange = grants.length > 0 && ends.length > 0;
  for (const [index, role] of grants.entries())
    await grant(taking, tools, { role, replaces: isChange && index === 0, readings });
  if (grants.length === 0) for (const role of ends) await end(taking, tools, { role, readings });
}

async function grant(
  { step, key, context }: Taking,
  tools: StepTools,
  { role, replaces, readings }: { role: RoleName; replaces: boolean; readings: Readings },
): Promise<void> {
  const input = { ...key, role, source: DIRECT, until: null };
  if (step.team === '' && (role === 'admin' || replaces)) {
    await tools.bus.execute(new GrantRole(context(role), { ...input, replaces }));
    return;
  }
  // What GrantRole does, with 2 reads of the log in place of 11: 3 times as many lines a second.
  const [removedAt] = await Promise.all([readings.lastRemoval(key), readings.allow(key)]);
  const command = { ...input, replace: replaces, removedAt, at: step.at };
  await follow(
    await executeOnAssignment(tools.runtime, context(role), key, (state) => grantRole(command, state)),
    tools,
  );
}

async function end(
  { step, key, context }: Taking,
  tools: StepTools,
  { role, readings }: { role: RoleName; readings: Readings },
): Promise<void> {
  const { bus, runtime } = tools;
  if (step.team !== '') {
    const removedAt = await readings.lastRemoval(key);
    const command = { ...key, role, reason: 'removed' as const, removedAt, at: step.at };
    return follow(await executeOnAssignment(runtime, context(role), key, (state) => endRole(command, state)), tools);
  }
  const { held } = await loadStanding(runtime, key, step.at);
  const others = rolesHeld(held).filter((name) => name !== role);
  if (others.length > 0) await bus.execute(new EndRole(context(role), { ...key, role, reason: 'removed' }));
  else if (held.member) await leaveAsMember(context(role), key, runtime);
  else await leave(context(role), key, bus);
}

async function follow(
  { events, position }: Awaited<ReturnType<typeof executeOnAssignment>>,
  { followUps }: StepTools,
): Promise<void> {
  await followUps.run(events, position);
}

/** What follows is left to the relay: a removal closes requests, and for that it waits until the rows show it. */
async function leaveAsMember(context: CommandContext, key: AssignmentKey, runtime: DeciderRuntime): Promise<void> {
  const { tenantId, subject } = key;
  const input = { tenantId, userId: subject.id, reason: 'member-removed' as const, at: context.at };
  const command = { ...input, wasAdmin: false, evenIfNoMember: false };
  await executeOnAssignment(runtime, context, key, (state) => removeTenantMember(command, state));
}

/** Also of who holds nothing: an earlier try may have got as far as that. */
async function leave(context: CommandContext, { tenantId, subject }: AssignmentKey, bus: CommandBus): Promise<void> {
  try {
    const input = { tenantId, userId: subject.id, reason: 'member-removed' as const };
    await bus.execute(new RemoveTenantMember(context, input));
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'not-found') throw error;
  }
}
