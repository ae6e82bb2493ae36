import { none, type RelationshipMap } from '../outbox/index.js';
import type { IdentityEvent } from './identity.decider.js';
import type { UserEvent } from './user.decider.js';

export const userRelationships: RelationshipMap<UserEvent> = {
  'user-registered.v1': none,
  'user-profile-changed.v1': none,
  // At once and whole, also where a tenant keeps its last admin on record: nobody may act as somebody who is gone. What
  // is still given to them in a race comes withdrawn, and ends with what follows.
  'user-deactivated.v1': ({ data: { userId } }) => [{ endObject: `user:${userId}` }, { suspend: `user:${userId}` }],
  'user-erased.v1': none,
  'user-suspended.v1': ({ data: { userId } }) => [{ suspend: `user:${userId}` }],
  'user-reinstated.v1': ({ data: { userId, most } }) => [
    { reinstate: `user:${userId}` },
    { restore: `user:${userId}`, tenantId: null, most },
  ],
  'user-access-withdrawn.v1': none,
  'user-access-restored.v1': ({ data: { userId, tenantId, most } }) => [{ restore: `user:${userId}`, tenantId, most }],
};

export const identityRelationships: RelationshipMap<IdentityEvent> = { 'identity-claimed.v1': none };
