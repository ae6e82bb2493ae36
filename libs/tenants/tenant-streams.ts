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
import { type RequestableRole, type Tenant, tenant, type TenantEvent } from './tenant.decider.js';
import { type TenantName, tenantName, type TenantNameEvent } from './tenant-name.decider.js';

export interface TenantResource {
  id: string;
  name: string;
  rootWorkspaceId: string;
  requestableRoles: RequestableRole[];
  createdAt: string;
  updatedAt: string;
}

export const TENANTS_PROCESS = 'tenants';

export const tenantStream = (tenantId: string): string => `tenant-${tenantId}`;

function tenantNameStream(name: string): string {
  return `reservation-tenant-name-${createHash('sha256').update(nameKey(name)).digest('hex').slice(0, 32)}`;
}

export function executeOnTenant(
  runtime: DeciderRuntime,
  context: CommandContext,
  tenantId: string,
  decide: (state: Tenant) => Decision<TenantEvent>,
) {
  return runtime.execute({ stream: tenantStream(tenantId), decider: tenant, tenantId, context, decide });
}

export function executeOnTenantName(
  runtime: DeciderRuntime,
  context: CommandContext,
  { tenantId, name }: { tenantId: string; name: string },
  decide: (state: TenantName) => Decision<TenantNameEvent>,
) {
  return runtime.execute({ stream: tenantNameStream(name), decider: tenantName, tenantId, context, decide });
}

export async function loadTenant(runtime: DeciderRuntime, tenantId: string): Promise<Tenant> {
  return (await runtime.load(tenantStream(tenantId), tenant)).state;
}

export async function loadTenantName(runtime: DeciderRuntime, name: string): Promise<TenantName> {
  return (await runtime.load(tenantNameStream(name), tenantName)).state;
}

/** The tenant as it was when what follows from a claim was done for the first time. */
export async function firstTenant(
  runtime: DeciderRuntime,
  tenantId: string,
  [claimed]: readonly Recorded<TenantNameEvent>[],
): Promise<Tenant> {
  if (!claimed) return loadTenant(runtime, tenantId);
  const { commandId } = followUpContext(claimed, TENANTS_PROCESS, 0);
  return (await runtime.asOf(tenantStream(tenantId), tenant, commandId)).state;
}

export function acceptedTenant(state: Tenant, position: number): Accepted<TenantResource> {
  if (state.status === 'absent') throw new Refused('not-found');
  const { id, name, rootWorkspaceId, requestable, createdAt, updatedAt, revision } = state;
  const resource = { id, name, rootWorkspaceId, requestableRoles: [...requestable], createdAt, updatedAt };
  return { resource, revision, position };
}
