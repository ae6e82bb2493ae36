import type { AuditMap } from '../audit-log/index.js';
import type { IdentityEvent } from './identity.decider.js';
import type { UserEvent } from './user.decider.js';

const user = (id: string) => ({ type: 'user', id });

export const usersAudit: AuditMap<UserEvent> = {
  'user-registered.v1': ({ data: { userId, issuer, subject } }) => ({
    action: 'user.registered',
    resource: user(userId),
    new: { issuer, subject },
  }),
  'user-profile-changed.v1': ({ data: { userId, fields } }) => ({
    action: 'user.profile-changed',
    resource: user(userId),
    new: { fields },
  }),
  'user-deactivated.v1': ({ data: { userId } }) => ({
    action: 'user.deactivated',
    resource: user(userId),
    old: { active: true },
    new: { active: false },
  }),
  'user-erased.v1': ({ data: { userId } }) => ({ action: 'user.erased', resource: user(userId) }),
  'user-suspended.v1': ({ data: { userId } }) => ({
    action: 'user.suspended',
    resource: user(userId),
    old: { status: 'active' },
    new: { status: 'suspended' },
  }),
  'user-reinstated.v1': ({ data: { userId } }) => ({
    action: 'user.reinstated',
    resource: user(userId),
    old: { status: 'suspended' },
    new: { status: 'active' },
  }),
  'user-access-withdrawn.v1': ({ data: { userId } }) => ({
    action: 'user.access-withdrawn',
    resource: user(userId),
  }),
  'user-access-restored.v1': ({ data: { userId } }) => ({ action: 'user.access-restored', resource: user(userId) }),
};

export const identitiesAudit: AuditMap<IdentityEvent> = {
  'identity-claimed.v1': ({ data: { userId, issuer, subject } }) => ({
    action: 'identity.claimed',
    resource: user(userId),
    new: { issuer, subject },
  }),
};
