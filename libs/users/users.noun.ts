import { noun } from '../projections/index.js';
import type { IdentityEvent } from './identity.decider.js';
import type { UserEvent } from './user.decider.js';
import { identitiesAudit, usersAudit } from './users.audit.js';
import { identityRelationships, userRelationships } from './users.relationships.js';

function ofUser({ data: { userId } }: { data: { userId: string } }): string {
  return `user:${userId}`;
}

export const usersNoun = noun<UserEvent>({
  name: 'users',
  types: {
    'user-registered.v1': 'A user came to be, with or without an external identity.',
    'user-profile-changed.v1': 'A user got another display name or e-mail address.',
    'user-deactivated.v1': 'A user is gone for good; they stay readable, and hold nothing any more.',
    'user-erased.v1': 'The key of a user’s personal fields is destroyed: nobody can read them any more.',
    'user-suspended.v1':
      'A user may do nothing for now: what they hold is withdrawn in every tenant, and stays theirs.',
    'user-reinstated.v1': 'A suspended user may act again; what is still theirs comes back.',
    'user-access-withdrawn.v1': 'What a suspended user holds in a tenant is withdrawn.',
    'user-access-restored.v1': 'What a reinstated user still holds in a tenant is back, or the first part of it.',
  },
  subjects: {
    'user-registered.v1': ofUser,
    'user-profile-changed.v1': ofUser,
  },
  erases: { 'user-erased.v1': ofUser },
  relationships: userRelationships,
  audit: usersAudit,
});

export const identitiesNoun = noun<IdentityEvent>({
  name: 'identities',
  types: { 'identity-claimed.v1': 'An external identity belongs to a user, who is registered with it.' },
  subjects: { 'identity-claimed.v1': ofUser },
  relationships: identityRelationships,
  audit: identitiesAudit,
});
