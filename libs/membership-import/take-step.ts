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
import type { Step } from './plan-changes.js';

export interface StepTools {
  bus: CommandBus;
  runtime: DeciderRuntime;
  /** That targets are there and persons active: once for an import. */
  checks: Readings;
  /** Of the batch. */
  readings: Readings;
}

/** One step with what it is about. */
export interface Taking {
  step: Step;
  key: AssignmentKey;
  /** Of the command about a role. */
  context: (role: RoleName) => CommandContext;
}

const DIRECT = 'direct';

/** What is read once for many steps. */
export class Readings {
  private readonly done = new Map<string, Promise<unknown>>();

  constructor(private readonly runtime: DeciderRuntime) {}

  /** @throws Refused unless the target is there and the subject is active */
  async allow({ tenantId, subject, target }: AssignmentKey): Promise<void> {
    await Promise.all([
      this.once(target.id, () => requireTarget(this.runtime, { tenantId, target })),
      this.once(subject.id, () => requireSubject(this.runtime, { tenantId, subject })),
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

/** @throws Refused */
export async function takeStep(taking: Taking, tools: StepTools): Promise<void> {
  const { team, grants, ends } = taking.step;
  if (team === '' && (grants.includes('admin') || (grants.length > 0 && ends.length > 0))) {
    return grantByHandler(taking, tools);
  }
  if (grants.length > 0) return grantDirectly(taking, tools);
  return team === '' ? loseMembership(taking, tools) : endDirectly(taking, tools);
}

async function grantByHandler({ step, key, context }: Taking, { bus }: StepTools): Promise<void> {
  for (const [index, role] of step.grants.entries()) {
    const replaces = step.ends.length > 0 && index === 0;
    const giver = { kind: 'process', replaces } as const;
    await bus.execute(new GrantRole(context(role), { ...key, role, source: DIRECT, until: null, giver }));
  }
}

/**
 * What GrantRole does, with a third of its reads. A target that goes meanwhile, or a user who is deactivated, is left to
 * what follows from the event, and that to the relay.
 */
async function grantDirectly({ step, key, context }: Taking, tools: StepTools): Promise<void> {
  const { runtime, checks, readings } = tools;
  // On the organisation itself the stream that is decided on says it.
  const lastRemoved = step.team === '' ? undefined : readings.lastRemoval(key);
  const [removedAt] = await Promise.all([lastRemoved, checks.allow(key)]);
  for (const [index, role] of step.grants.entries()) {
    const replace = step.ends.length > 0 && index === 0;
    const command = { ...key, role, source: DIRECT, until: null, replace, at: step.at };
    await executeOnAssignment(runtime, context(role), key, (state) =>
      grantRole({ ...command, removedAt: removedAt ?? state.removedAt }, state),
    );
  }
}

async function endDirectly({ step, key, context }: Taking, { runtime, readings }: StepTools): Promise<void> {
  const removedAt = await readings.lastRemoval(key);
  for (const role of step.ends) {
    const command = { ...key, role, reason: 'removed' as const, removedAt, at: step.at };
    await executeOnAssignment(runtime, context(role), key, (state) => endRole(command, state));
  }
}

/** Who holds another role in the organisation too keeps that one and stays. */
async function loseMembership({ step, key, context }: Taking, { bus, runtime }: StepTools): Promise<void> {
  const { held } = await loadStanding(runtime, key, step.at);
  const others = rolesHeld(held).filter((name) => !step.ends.includes(name));
  for (const role of step.ends) {
    if (others.length > 0) await bus.execute(new EndRole(context(role), { ...key, role, reason: 'removed' }));
    else if (held.member && !held.admin) await leaveAsMember(context(role), key, runtime);
    else await leave(context(role), key, bus);
  }
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
