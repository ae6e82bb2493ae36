import { type AssignmentKey, loadStanding, rolesHeld, type Standing } from '../assignments/index.js';
import type { DeciderRuntime } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { loadTenant } from '../tenants/index.js';
import { loadUser } from '../users/index.js';
import type { Circumstances, RoleAsked } from './request.decider.js';

/** Reads what decides about a request from the streams themselves, not from rows that lag behind. */
export async function loadCircumstances(
  runtime: DeciderRuntime,
  asked: Pick<RoleAsked, 'tenantId' | 'requester' | 'target' | 'role'>,
  at: string,
): Promise<Circumstances> {
  const { tenantId, requester: subject, target, role } = asked;
  const onTarget = await standingWhereThere(runtime, { tenantId, subject, target }, at);
  const onTenant = await standingWhereThere(
    runtime,
    { tenantId, subject, target: { type: 'tenant', id: tenantId } },
    at,
  );
  return {
    tenantExists: (await loadTenant(runtime, tenantId)).status === 'active',
    targetExists: onTarget !== undefined,
    requestable: onTarget?.tenant.requestable.some((word) => word === `${target.type}:${role}`) ?? false,
    requesterActive: subject.type === 'user' && (await loadUser(runtime, subject.id)).status === 'active',
    requesterIsMember: rolesHeld(onTenant?.held ?? {}).length > 0,
    requesterRemovedAt: onTenant?.removedAt ?? -1,
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
