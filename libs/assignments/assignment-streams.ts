import { hash } from 'node:crypto';
import type { CommandContext, DeciderRuntime, Decision, DomainEvent } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { findServiceAccount, hasServiceAccount } from '../service-accounts/index.js';
import { type ExistingTenant, loadTenant, type Tenant } from '../tenants/index.js';
import { loadUser, type UserState } from '../users/index.js';
import { loadWorkspaceTree, workspaceTreeAt } from '../workspaces/index.js';
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

export const ASSIGNMENTS_PROCESS = 'assignments';

export interface AssignmentKey {
  tenantId: string;
  subject: Subject;
  target: Target;
}

export function assignmentStream({ subject, target }: Pick<AssignmentKey, 'subject' | 'target'>): string {
  const key = `${subject.type}:${subject.id} ${target.type}:${target.id}`;
  return `assignment-${hash('sha256', key).slice(0, 32)}`;
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

/** What somebody holds on the tenant itself. */
export function membershipOf(tenantId: string, subject: Subject): AssignmentKey {
  return { tenantId, subject, target: { type: 'tenant', id: tenantId } };
}

/** Whether the tenant's stream decides on the role, and not that of the assignment: so it does on its admins. */
export function isDecidedByTenant({ target, role }: { target: Target; role?: RoleName }): boolean {
  return target.type === 'tenant' && role === 'admin';
}

export async function loadAssignment(runtime: DeciderRuntime, key: AssignmentKey): Promise<Assignment> {
  return (await runtime.load(assignmentStream(key), assignment)).state;
}

/** Position of the subject's last removal from the tenant; what began before it is gone. */
export async function lastRemoval(runtime: DeciderRuntime, { tenantId, subject }: AssignmentKey): Promise<number> {
  return (await loadAssignment(runtime, membershipOf(tenantId, subject))).removedAt;
}

/** What somebody holds on a target now, a tenant's admin role included. */
export interface Standing {
  tenant: ExistingTenant;
  removedAt: number;
  /** Roles that are held, with their sources. */
  held: Holdings;
  /** How often the assignment changed; for a tenant its admin role is counted apart, as its own stream decides it. */
  revisions: { assignment: number; admin: number };
}

/** @throws Refused `not-found` where the tenant or the workspace is not there any more */
export async function loadStanding(runtime: DeciderRuntime, key: AssignmentKey, at: string): Promise<Standing> {
  const [tenant, removedAt, state] = await Promise.all([
    requireTarget(runtime, key),
    lastRemoval(runtime, key),
    loadAssignment(runtime, key),
  ]);
  return standingOf(key, { tenant, removedAt, state, at });
}

export function standingOf(
  { subject, target }: Pick<AssignmentKey, 'subject' | 'target'>,
  { tenant, removedAt, state, at }: { tenant: ExistingTenant; removedAt: number; state: Assignment; at: string },
): Standing {
  const held = liveRoles(state, { removedAt, at });
  const revisions = { assignment: state.revision, admin: 0 };
  if (target.type !== 'tenant') return { tenant, removedAt, held, revisions };
  const admin = liveAdminSources(tenant, subject, at);
  revisions.admin = tenant.adminRevisions[subject.id] ?? 0;
  return { tenant, removedAt, held: Object.keys(admin).length > 0 ? { ...held, admin } : held, revisions };
}

export function rolesHeld(held: Holdings): RoleName[] {
  return Object.keys(held) as RoleName[];
}

/** @throws Refused `not-found` unless the tenant is active and has the target */
export async function requireTarget(
  runtime: DeciderRuntime,
  { tenantId, target }: Pick<AssignmentKey, 'tenantId' | 'target'>,
): Promise<ExistingTenant> {
  const [tenant, tree] = await Promise.all([
    loadTenant(runtime, tenantId),
    target.type === 'workspace' ? loadWorkspaceTree(runtime, tenantId) : undefined,
  ]);
  if (tenant.status !== 'active') throw new Refused('not-found');
  if (target.type === 'tenant' && target.id !== tenantId) throw new Refused('not-found');
  if (tree && (tree.closed || !tree.workspaces.has(target.id))) throw new Refused('not-found');
  return tenant;
}

export async function hasTarget(
  runtime: DeciderRuntime,
  key: Pick<AssignmentKey, 'tenantId' | 'target'>,
): Promise<boolean> {
  try {
    await requireTarget(runtime, key);
    return true;
  } catch (error) {
    if (error instanceof Refused && error.code === 'not-found') return false;
    throw error;
  }
}

/** Of a service account: active where the tenant has it. */
export async function subjectStatus(
  runtime: DeciderRuntime,
  { tenantId, subject }: Pick<AssignmentKey, 'tenantId' | 'subject'>,
): Promise<UserState['status']> {
  if (subject.type === 'user') return (await loadUser(runtime, subject.id)).status;
  return (await hasServiceAccount(runtime, { tenantId, serviceAccountId: subject.id })) ? 'active' : 'absent';
}

/** Who a member's id names: ids are never used twice. */
export async function memberNamed(runtime: DeciderRuntime, id: string): Promise<Subject> {
  return { type: (await findServiceAccount(runtime, id)) ? 'service_account' : 'user', id };
}

/** Whether the tenant had the workspace when the log stood at a position. */
export async function hadTarget(
  runtime: DeciderRuntime,
  { tenantId, target }: Pick<AssignmentKey, 'tenantId' | 'target'>,
  position: number,
): Promise<boolean> {
  if (target.type !== 'workspace') return true;
  return (await workspaceTreeAt(runtime, tenantId, position)).workspaces.has(target.id);
}

/** Whether somebody who is not gone is member or admin of the tenant. */
export async function isActiveMember(
  runtime: DeciderRuntime,
  { tenantId, subject }: Pick<AssignmentKey, 'tenantId' | 'subject'>,
  at: string,
): Promise<boolean> {
  const status = await subjectStatus(runtime, { tenantId, subject });
  if (status !== 'active' && status !== 'suspended') return false;
  const key = membershipOf(tenantId, subject);
  if (!(await hasTarget(runtime, key))) return false;
  const { held } = await loadStanding(runtime, key, at);
  return held.admin !== undefined || held.member !== undefined;
}

/**
 * What is given to who is suspended counts once they are reinstated.
 * @throws Refused `subject-not-found`, naming the field, unless the subject exists and is not gone for good
 */
export async function requireSubject(
  runtime: DeciderRuntime,
  key: Pick<AssignmentKey, 'tenantId' | 'subject'>,
  field = 'subject',
): Promise<void> {
  const status = await subjectStatus(runtime, key);
  if (status !== 'active' && status !== 'suspended') throw new Refused('subject-not-found', undefined, { field });
}

/** Sources from which a user is tenant admin at a time. */
function liveAdminSources(tenant: ExistingTenant, subject: Subject, at: string) {
  const sources = subject.type === 'user' ? (tenant.admins[subject.id] ?? {}) : {};
  const live = Object.entries(sources).filter(([, until]) => until === null || until > at);
  return Object.fromEntries(live.map(([source, until]) => [source, { until, since: 0 }]));
}

/**
 * Of the admins beside one without an end those who are gone for good: the last of a tenant stays on its record, and must
 * not be taken for one who remains. Nobody where the user is no such admin.
 */
export async function goneBeside(
  runtime: DeciderRuntime,
  { tenantId, userId }: { tenantId: string; userId: string },
): Promise<ReadonlySet<string>> {
  const tenant = await loadTenant(runtime, tenantId);
  if (tenant.status === 'absent' || !Object.values(tenant.admins[userId] ?? {}).includes(null)) return new Set();
  const others = Object.keys(tenant.admins).filter((admin) => admin !== userId);
  return (await awayAmong(runtime, others)).gone;
}

/** Of these users those who are gone for good, and those who come back by being reinstated. */
export async function awayAmong(
  runtime: DeciderRuntime,
  userIds: readonly string[],
): Promise<Record<'gone' | 'suspended', ReadonlySet<string>>> {
  const users = await Promise.all(userIds.map((id) => loadUser(runtime, id)));
  const those = (status: UserState['status']): Set<string> =>
    new Set(userIds.filter((_, index) => users[index]!.status === status));
  return { gone: those('deactivated'), suspended: those('suspended') };
}

/** Whether somebody is an admin of the tenant, and the command is to leave its admins alone. */
export function isSparedAdmin(
  { subject, sparesAdmins }: { subject: Subject; sparesAdmins?: boolean },
  state: Tenant,
  { at }: { at: string },
): boolean {
  if (!sparesAdmins || state.status === 'absent') return false;
  return Object.keys(liveAdminSources(state, subject, at)).length > 0;
}

interface Seen {
  subject: Subject;
  /** The revision of the member that the caller saw. */
  ifRevision?: number;
}

export function isStale({ ifRevision }: Pick<Seen, 'ifRevision'>, revision: number): boolean {
  return ifRevision !== undefined && ifRevision !== revision;
}

export function isStaleAdmin(seen: Seen, state: Tenant, { assignment }: Standing['revisions']): boolean {
  const admin = state.status === 'absent' ? 0 : (state.adminRevisions[seen.subject.id] ?? 0);
  return isStale(seen, assignment + admin);
}

/** Nobody changes their own membership; what is refused anyway says more of why. */
export function unlessOwn<E extends DomainEvent>({ isOwn }: { isOwn?: boolean }, decided: Decision<E>): Decision<E> {
  return isOwn && !('refused' in decided) ? { refused: 'own-membership' } : decided;
}
