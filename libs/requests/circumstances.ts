import {
  type AssignmentKey,
  isBuiltIn,
  loadStanding,
  type RoleName,
  rolesHeld,
  type Standing,
  subjectStatus,
  type Target,
} from '../assignments/index.js';
import { BEFORE_START, type DeciderRuntime } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { loadRole, type Role } from '../roles/index.js';
import { loadTenant } from '../tenants/index.js';
import type { Circumstances, RoleAsked } from './request.decider.js';

/** Reads what decides about a request from the streams themselves, not from rows that lag behind. */
export async function loadCircumstances(
  runtime: DeciderRuntime,
  asked: Pick<RoleAsked, 'tenantId' | 'requester' | 'target' | 'role'>,
  at: string,
): Promise<Circumstances> {
  const { tenantId, requester: subject, target, role } = asked;
  const inTenant = { type: 'tenant' as const, id: tenantId };
  const [tenant, onTenant, onTarget, requesterStatus, ownRole] = await Promise.all([
    loadTenant(runtime, tenantId),
    standingWhereThere(runtime, { tenantId, subject, target: inTenant }, at),
    standingWhereThere(runtime, { tenantId, subject, target }, at),
    subjectStatus(runtime, { tenantId, subject }),
    isBuiltIn(role) ? undefined : loadRole(runtime, { tenantId, roleId: role }),
  ]);
  return {
    tenantExists: tenant.status === 'active',
    targetExists: onTarget !== undefined,
    ...(ownRole ? ofOwnRole(ownRole) : { requestable: isRequestable(onTarget, target, role), roleExists: true }),
    requesterActive: requesterStatus === 'active' || requesterStatus === 'suspended',
    requesterSuspended: requesterStatus === 'suspended',
    requesterIsMember: rolesHeld(onTenant?.held ?? {}).length > 0,
    requesterRemovedAt: onTenant?.removedAt ?? BEFORE_START,
    rolesHeld: rolesHeld(onTarget?.held ?? {}),
  };
}

function isRequestable(onTarget: Standing | undefined, { type }: Target, role: RoleName): boolean {
  return onTarget?.tenant.requestable.some((word) => word === `${type}:${role}`) ?? false;
}

function ofOwnRole(role: Role): Pick<Circumstances, 'requestable' | 'roleExists' | 'roleWidenedAt'> {
  if (role.status === 'absent' || role.status === 'deleted') return { requestable: false, roleExists: false };
  return { requestable: role.requestable, roleExists: true, roleWidenedAt: role.widenedAt };
}

async function standingWhereThere(
  runtime: DeciderRuntime,
  key: AssignmentKey,
  at: string,
): Promise<Standing | undefined> {
  try {
    return await loadStanding(runtime, key, at);
  } catch (error) {
    if (error instanceof Refused && error.code === 'not-found') return undefined;
    throw error;
  }
}
