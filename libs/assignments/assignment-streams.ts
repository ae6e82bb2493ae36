import { createHash } from 'node:crypto';
import type { CommandContext, DeciderRuntime, Decision } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { type ExistingTenant, loadTenant } from '../tenants/index.js';
import { loadUser } from '../users/index.js';
import { loadWorkspaceTree } from '../workspaces/index.js';
import {
  type Assignment,
  assignment,
  type AssignmentEvent,
  type Holdings,
  liveRoles,
  type RoleName,
  type Subject,
  type Target,
} from './assignment.decider.js';

export interface AssignmentKey {
  tenantId: string;
  subject: Subject;
  target: Target;
}

export function assignmentStream({ subject, target }: Pick<AssignmentKey, 'subject' | 'target'>): string {
  const key = `${subject.type}:${subject.id} ${target.type}:${target.id}`;
  return `assignment-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
}

/** Names a role that a subject holds on a target; for callers it is opaque. */
export function assignmentId(held: Pick<AssignmentKey, 'subject' | 'target'> & { role: RoleName }): string {
  return `${assignmentStream(held).slice('assignment-'.length)}-${held.role}`;
}

export function executeOnAssignment(
  runtime: DeciderRuntime,
  context: CommandContext,
  key: AssignmentKey,
  decide: (state: Assignment) => Decision<AssignmentEvent>,
) {
  const stream = assignmentStream(key);
  return runtime.execute({ stream, decider: assignment, tenantId: key.tenantId, context, decide });
}

export async function loadAssignment(runtime: DeciderRuntime, key: AssignmentKey): Promise<Assignment> {
  return (await runtime.load(assignmentStream(key), assignment)).state;
}

/** Position of the subject's last removal from the tenant; what began before it is gone. */
export async function lastRemoval(runtime: DeciderRuntime, { tenantId, subject }: AssignmentKey): Promise<number> {
  const membership = { tenantId, subject, target: { type: 'tenant' as const, id: tenantId } };
  return (await loadAssignment(runtime, membership)).removedAt;
}

/** What somebody holds on a target now, a tenant's admin role included. */
export interface Standing {
  tenant: ExistingTenant;
  removedAt: number;
  /** Roles that are held, with their sources. */
  held: Holdings;
}

/** @throws Refused `not-found` where the tenant or the workspace is not there any more */
export async function loadStanding(runtime: DeciderRuntime, key: AssignmentKey, at: string): Promise<Standing> {
  const tenant = await requireTarget(runtime, key);
  const [removedAt, state] = await Promise.all([lastRemoval(runtime, key), loadAssignment(runtime, key)]);
  const held = liveRoles(state, { removedAt, at });
  const admin = key.target.type === 'tenant' ? liveAdminSources(tenant, key.subject, at) : {};
  return { tenant, removedAt, held: Object.keys(admin).length > 0 ? { ...held, admin } : held };
}

export function rolesHeld(held: Holdings): RoleName[] {
  return Object.keys(held) as RoleName[];
}

/** @throws Refused `not-found` unless the tenant is active and has the target */
export async function requireTarget(
  runtime: DeciderRuntime,
  { tenantId, target }: Pick<AssignmentKey, 'tenantId' | 'target'>,
): Promise<ExistingTenant> {
  const tenant = await loadTenant(runtime, tenantId);
  if (tenant.status !== 'active') throw new Refused('not-found');
  if (target.type === 'tenant' && target.id !== tenantId) throw new Refused('not-found');
  if (target.type === 'workspace') {
    const tree = await loadWorkspaceTree(runtime, tenantId);
    if (tree.closed || !tree.workspaces.has(target.id)) throw new Refused('not-found');
  }
  return tenant;
}

/** @throws Refused `subject-not-found` unless the subject exists and is active */
export async function requireSubject(runtime: DeciderRuntime, subject: Subject): Promise<void> {
  if (subject.type !== 'user') throw new Refused('subject-not-found', undefined, { field: 'subject' });
  const user = await loadUser(runtime, subject.id);
  if (user.status !== 'active') throw new Refused('subject-not-found', undefined, { field: 'subject' });
}

/** Sources from which a user is tenant admin at a time. */
export function liveAdminSources(tenant: ExistingTenant, subject: Subject, at: string) {
  const sources = subject.type === 'user' ? (tenant.admins[subject.id] ?? {}) : {};
  const live = Object.entries(sources).filter(([, until]) => until === null || until > at);
  return Object.fromEntries(live.map(([source, until]) => [source, { until, since: 0 }]));
}
