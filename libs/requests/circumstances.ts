import { type AssignmentKey, loadStanding, rolesHeld, type Standing, subjectStatus } from '../assignments/index.js';
import { BEFORE_START, type DeciderRuntime } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
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
  const [tenant, onTenant, onTarget, requesterStatus] = await Promise.all([
    loadTenant(runtime, tenantId),
    standingWhereThere(runtime, { tenantId, subject, target: inTenant }, at),
    standingWhereThere(runtime, { tenantId, subject, target }, at),
    subjectStatus(runtime, { tenantId, subject }),
  ]);
  return {
    tenantExists: tenant.status === 'active',
    targetExists: onTarget !== undefined,
    requestable: onTarget?.tenant.requestable.some((word) => word === `${target.type}:${role}`) ?? false,
    requesterActive: requesterStatus === 'active' || requesterStatus === 'suspended',
    requesterSuspended: requesterStatus === 'suspended',
    requesterIsMember: rolesHeld(onTenant?.held ?? {}).length > 0,
    requesterRemovedAt: onTenant?.removedAt ?? BEFORE_START,
    rolesHeld: rolesHeld(onTarget?.held ?? {}),
  };
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
