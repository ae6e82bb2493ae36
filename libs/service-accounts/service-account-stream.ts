import type { Accepted } from '../edge/index.js';
import type { CommandContext, DeciderRuntime, Decision } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { serviceAccount, type ServiceAccountEvent, type ServiceAccountState } from './service-account.decider.js';

export interface ServiceAccountKey {
  tenantId: string;
  serviceAccountId: string;
}
export interface ServiceAccountResource {
  id: string;
  tenantId: string;
  name: string;
  createdAt: string;
  updatedAt: string;
}

const streamOf = (serviceAccountId: string): string => `service-account-${serviceAccountId}`;

export function executeOnServiceAccount(
  runtime: DeciderRuntime,
  context: CommandContext,
  { tenantId, serviceAccountId }: ServiceAccountKey,
  decide: (state: ServiceAccountState) => Decision<ServiceAccountEvent>,
) {
  const stream = streamOf(serviceAccountId);
  return runtime.execute({ stream, decider: serviceAccount, tenantId, context, decide });
}

/** Whether a tenant has the service account now. */
export async function hasServiceAccount(runtime: DeciderRuntime, key: ServiceAccountKey): Promise<boolean> {
  const { state } = await runtime.load(streamOf(key.serviceAccountId), serviceAccount);
  return state.status === 'active' && state.tenantId === key.tenantId;
}

/** What a service account is called, also one that is deleted; undefined where there never was one. */
export async function findServiceAccount(
  runtime: DeciderRuntime,
  serviceAccountId: string,
): Promise<{ name: string; active: boolean } | undefined> {
  const { state } = await runtime.load(streamOf(serviceAccountId), serviceAccount);
  return state.status === 'absent' ? undefined : { name: state.name, active: state.status === 'active' };
}

export function acceptedServiceAccount(state: ServiceAccountState, position: number): Accepted<ServiceAccountResource> {
  if (state.status === 'absent') throw new Refused('not-found');
  const { id, tenantId, name, createdAt, updatedAt, revision } = state;
  return { resource: { id, tenantId, name, createdAt, updatedAt }, revision, position };
}
