import { GrantRole } from '../../libs/assignments/index.js';
import {
  CreateServiceAccount,
  DeleteServiceAccount,
  RenameServiceAccount,
} from '../../libs/service-accounts/change-service-account.js';
import {
  IssueServiceAccountToken,
  RevokeServiceAccountToken,
} from '../../libs/service-accounts/service-account-tokens.js';
import { ChangeProfile, EraseUser, ReinstateUser, SuspendUser } from '../../libs/users/index.js';
import type { Seeded } from './seeded.js';
import { type Choice, type Known, NOBODY, someEnd, somewhere, type StoryCall } from './story-call.js';

/** Who acts, and for how long they may: what may be done with users and service accounts, and how often it is. */
export const ACCOUNT_CHOICES: readonly [weight: number, choice: Choice][] = [
  [4, suspend],
  [4, reinstate],
  [0.5, erase],
  [2, changeProfile],
  [2, createServiceAccount],
  [1, renameServiceAccount],
  [2, deleteServiceAccount],
  [4, giveServiceAccount],
  [2, issueToken],
  [1, revokeToken],
];

function onUser(
  random: Seeded,
  known: Known,
  what: string,
  call: (userId: string) => Pick<StoryCall, 'make' | 'leaves'>,
): StoryCall {
  const userId = random.pick(known.users);
  return { name: `${what} ${userId.slice(-4)}`, principal: NOBODY, tenantId: null, ...call(userId) };
}

function suspend(random: Seeded, known: Known): StoryCall {
  return onUser(random, known, 'suspend', (userId) => ({
    make: (context) => new SuspendUser(context, { userId }),
    leaves: ({ type, data }) => type === 'user-suspended.v1' && data['userId'] === userId,
  }));
}

/** Who was never suspended has nothing to be brought back. */
function reinstate(random: Seeded, known: Known): StoryCall {
  return onUser(random, known, 'reinstate', (userId) => ({
    make: (context) => new ReinstateUser(context, { userId }),
    leaves: () => true,
  }));
}

function erase(random: Seeded, known: Known): StoryCall {
  return onUser(random, known, 'erase', (userId) => ({
    make: (context) => new EraseUser(context, { userId }),
    leaves: ({ type, data }) => type === 'user-erased.v1' && data['userId'] === userId,
  }));
}

function changeProfile(random: Seeded, known: Known): StoryCall {
  const displayName = `U${random.between(10, 20)}`;
  return onUser(random, known, 'rename', (userId) => ({
    make: (context) => new ChangeProfile(context, { userId, displayName }),
    leaves: () => true,
  }));
}

export function createServiceAccount(random: Seeded, known: Known): StoryCall {
  const { tenant, tenantId, userId } = somewhere(random, known);
  const name = `S${random.between(0, 9)}`;
  return {
    ...{ name: `create service account ${name}`, principal: userId, tenantId },
    make: (context, mint) =>
      new CreateServiceAccount(context, { tenantId, serviceAccountId: mint('service-account'), name }),
    learn: ({ id }) => void tenant.serviceAccounts.push(id),
    leaves: ({ type, data }, { id }) => type === 'service-account-created.v1' && data['serviceAccountId'] === id,
  };
}

function someAccount(random: Seeded, known: Known) {
  const place = somewhere(random, known);
  const { serviceAccounts } = place.tenant;
  return serviceAccounts.length === 0 ? undefined : { ...place, serviceAccountId: random.pick(serviceAccounts) };
}

function renameServiceAccount(random: Seeded, known: Known): StoryCall | undefined {
  const place = someAccount(random, known);
  if (!place) return undefined;
  const { tenantId, userId, serviceAccountId } = place;
  const name = `S${random.between(0, 9)}`;
  return {
    ...{ name: `rename service account ${serviceAccountId.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new RenameServiceAccount(context, { tenantId, serviceAccountId, name }),
    leaves: () => true,
  };
}

function deleteServiceAccount(random: Seeded, known: Known): StoryCall | undefined {
  const place = someAccount(random, known);
  if (!place) return undefined;
  const { tenantId, userId, serviceAccountId } = place;
  return {
    ...{ name: `delete service account ${serviceAccountId.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new DeleteServiceAccount(context, { tenantId, serviceAccountId, reason: 'deleted' }),
    leaves: ({ type, data }) => type === 'service-account-deleted.v1' && data['serviceAccountId'] === serviceAccountId,
  };
}

function giveServiceAccount(random: Seeded, known: Known, now: Date): StoryCall | undefined {
  const place = someAccount(random, known);
  if (!place) return undefined;
  const { tenantId, workspaceId, userId, serviceAccountId } = place;
  const subject = { type: 'service_account' as const, id: serviceAccountId };
  const inTenant = random.chance(0.3);
  const target = inTenant ? { type: 'tenant' as const, id: tenantId } : { type: 'workspace' as const, id: workspaceId };
  const role = inTenant ? 'member' : random.pick(['admin', 'editor', 'member']);
  const giver = { kind: 'process', replaces: true } as const;
  const input = { tenantId, subject, target, role, source: 'direct', until: someEnd(random, now), giver };
  return {
    ...{ name: `give ${role} of ${target.type} to account ${subject.id.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new GrantRole(context, input),
    leaves: ({ type, data }) => type === 'role-granted.v1' && JSON.stringify(data).includes(serviceAccountId),
  };
}

function issueToken(random: Seeded, known: Known, now: Date): StoryCall | undefined {
  const place = someAccount(random, known);
  if (!place) return undefined;
  const { tenant, tenantId, userId, serviceAccountId } = place;
  const asked = { tenantId, serviceAccountId, name: 'of a story', expiresAt: someEnd(random, now) };
  return {
    ...{ name: `issue a token of ${serviceAccountId.slice(-4)}`, principal: userId, tenantId },
    make: (context, mint) => new IssueServiceAccountToken(context, { ...asked, tokenId: mint('token') }),
    learn: ({ id }) => void tenant.tokens.push({ id, serviceAccountId }),
    leaves: ({ type, data }, { id }) => type === 'service-account-token-issued.v1' && data['tokenId'] === id,
  };
}

function revokeToken(random: Seeded, known: Known): StoryCall | undefined {
  const { tenant, tenantId, userId } = somewhere(random, known);
  if (tenant.tokens.length === 0) return undefined;
  const { id: tokenId, serviceAccountId } = random.pick(tenant.tokens);
  return {
    ...{ name: `revoke token ${tokenId.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new RevokeServiceAccountToken(context, { tenantId, serviceAccountId, tokenId }),
    leaves: () => true,
  };
}
