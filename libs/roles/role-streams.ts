import { createHash } from 'node:crypto';
import type { Accepted } from '../edge/index.js';
import {
  type CommandContext,
  type DeciderRuntime,
  type Decision,
  followUpContext,
  type Recorded,
} from '../event-store/index.js';
import { nameKey, Refused } from '../platform/index.js';
import { builtInRole, type RoleResource, roleResource } from './role-resource.js';
import { type ExistingRole, type Role, role, type RoleEvent } from './role.decider.js';
import { type RoleName, roleName, type RoleNameClaimed, type RoleNameEvent } from './role-name.decider.js';

export const ROLES_PROCESS = 'roles';

export interface RoleKey {
  tenantId: string;
  roleId: string;
}

export const roleStream = (roleId: string): string => `role-${roleId}`;

function roleNameStream(tenantId: string, name: string): string {
  const hash = createHash('sha256')
    .update(`${tenantId} ${nameKey(name)}`)
    .digest('hex')
    .slice(0, 32);
  return `reservation-role-name-${hash}`;
}

/** A role of another tenant is not found. */
export function executeOnRole(
  runtime: DeciderRuntime,
  context: CommandContext,
  { tenantId, roleId }: RoleKey,
  decide: (state: Role) => Decision<RoleEvent>,
) {
  return runtime.execute({
    stream: roleStream(roleId),
    decider: role,
    tenantId,
    context,
    decide: (state) =>
      state.status !== 'absent' && state.tenantId !== tenantId ? { refused: 'not-found' } : decide(state),
  });
}

export function executeOnRoleName(
  runtime: DeciderRuntime,
  context: CommandContext,
  { tenantId, name }: { tenantId: string; name: string },
  decide: (state: RoleName) => Decision<RoleNameEvent>,
) {
  return runtime.execute({ stream: roleNameStream(tenantId, name), decider: roleName, tenantId, context, decide });
}

/** The role as of now, whatever became of it; `absent` also for one of another tenant. */
export async function loadRole(runtime: DeciderRuntime, { tenantId, roleId }: RoleKey): Promise<Role> {
  const { state } = await runtime.load(roleStream(roleId), role);
  return state.status !== 'absent' && state.tenantId === tenantId ? state : { status: 'absent' };
}

/** @throws Refused `not-found` where the tenant has no such role (any more) */
export async function requireRole(runtime: DeciderRuntime, key: RoleKey): Promise<ExistingRole> {
  const state = await loadRole(runtime, key);
  if (state.status === 'absent' || state.status === 'deleted') throw new Refused('not-found');
  return state;
}

/** The role as it was at a position of the log. */
export async function roleAt(runtime: DeciderRuntime, roleId: string, position: number): Promise<Role> {
  return (await runtime.at(roleStream(roleId), role, position)).state;
}

/** The id of the tenant's role with the name; undefined where it has none. */
export async function roleNamed(runtime: DeciderRuntime, tenantId: string, name: string): Promise<string | undefined> {
  const { state } = await runtime.load(roleNameStream(tenantId, name), roleName);
  return state.status === 'held' ? state.roleId : undefined;
}

/** The role as it was when what follows from a claim was done for the first time. */
export async function firstRole(
  runtime: DeciderRuntime,
  { tenantId, roleId }: RoleKey,
  [claimed]: readonly Recorded<RoleNameEvent>[],
): Promise<Role> {
  if (!claimed) return loadRole(runtime, { tenantId, roleId });
  const { commandId } = followUpContext(claimed as Recorded<RoleNameClaimed>, ROLES_PROCESS, 0);
  return (await runtime.asOf(roleStream(roleId), role, commandId)).state;
}

export function acceptedRole(state: Role, position: number): Accepted<RoleResource> {
  if (state.status === 'absent') throw new Refused('not-found');
  return { resource: roleResource(state), revision: state.revision, position };
}

/** @throws Refused `role-name-taken` for the name of a built-in role */
export function refuseBuiltInName(name: string): void {
  if (builtInRole(nameKey(name))) throw new Refused('role-name-taken', undefined, { field: 'name' });
}
