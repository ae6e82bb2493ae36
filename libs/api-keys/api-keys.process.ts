import type { RoleEnded, TenantMemberRemoved } from '../assignments/index.js';
import { type FollowUp, process } from '../projections/index.js';
import type { TenantAdminEnded, TenantDeletionStarted } from '../tenants/index.js';
import type { ApiKeyCreated } from './api-keys.decider.js';
import type { KeyHolder } from './api-keys-stream.js';
import { ClearApiKeys, EndApiKeysOf } from './end-api-keys.js';

/** Keys end with the membership they are for, and with the tenant; those too that were created while it ended. */
export const apiKeysProcess = process<
  ApiKeyCreated | TenantMemberRemoved | RoleEnded | TenantAdminEnded | TenantDeletionStarted
>({
  name: 'api-keys',
  followUps: {
    'api-key-created.v1': ({ data, position }) => [unlessMember(data, position)],
    'tenant-member-removed.v1': ({ data: { tenantId, userId }, position }) => [
      (context) => new EndApiKeysOf(context, { tenantId, userId, position, unlessMember: false }),
    ],
    'role-ended.v1': ({ data: { tenantId, subject, target, rolesAfter }, position }) => {
      if (target.type !== 'tenant' || subject.type !== 'user' || rolesAfter.includes('member')) return [];
      return [unlessMember({ tenantId, userId: subject.id }, position)];
    },
    'tenant-admin-ended.v1': ({ data, position }) => (data.becomesMember ? [] : [unlessMember(data, position)]),
    'tenant-deletion-started.v1': ({ data: { tenantId }, position }) => [
      (context) => new ClearApiKeys(context, { tenantId, position }),
    ],
  },
});

function unlessMember({ tenantId, userId }: KeyHolder, position: number): FollowUp {
  return (context) => new EndApiKeysOf(context, { tenantId, userId, position, unlessMember: true });
}
