import { isActiveMember } from '../assignments/index.js';
import type { CommandContext, DeciderRuntime, Decision } from '../event-store/index.js';
import { type ApiKeyEvent, type ApiKeys, apiKeys } from './api-keys.decider.js';

/** Somebody as the holder of keys for a tenant. */
export interface KeyHolder {
  tenantId: string;
  userId: string;
}

export function executeOnApiKeys(
  runtime: DeciderRuntime,
  context: CommandContext,
  { tenantId, userId }: KeyHolder,
  decide: (keys: ApiKeys) => Decision<ApiKeyEvent>,
) {
  const stream = `api-keys-${tenantId}-${userId}`;
  return runtime.execute({ stream, decider: apiKeys, tenantId, context, decide });
}

/** Keys are for members of the tenant; guests of its workspaces have none. */
export function mayHoldKeys(runtime: DeciderRuntime, { tenantId, userId }: KeyHolder, at: string): Promise<boolean> {
  return isActiveMember(runtime, { tenantId, subject: { type: 'user', id: userId } }, at);
}
