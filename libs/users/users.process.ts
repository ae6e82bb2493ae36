import { process } from '../projections/index.js';
import type { IdentityClaimed } from './identity.decider.js';
import { CompleteUser } from './register-user.js';
import type { UserAccessRestored, UserReinstated, UserSuspended } from './user.decider.js';
import { USERS_PROCESS } from './user-streams.js';
import { RestoreAccess, WithdrawAccess } from './withdraw-access.js';

/** A claimed identity goes on to its user; a suspension and its end go on to every tenant in which the user holds anything. */
export const usersProcess = process<IdentityClaimed | UserSuspended | UserReinstated | UserAccessRestored>({
  name: USERS_PROCESS,
  followUps: {
    'identity-claimed.v1': ({ data: { userId, issuer, subject }, personal: profile = {} }) => [
      (context) => new CompleteUser(context, { userId, externalIdentity: { issuer, subject }, profile }),
    ],
    'user-suspended.v1': ({ data: { userId }, position }) => [
      (context) => new WithdrawAccess(context, { userId, position }),
    ],
    'user-reinstated.v1': ({ data: { userId }, position }) => [
      (context) => new RestoreAccess(context, { userId, position }),
    ],
    'user-access-restored.v1': ({ data: { userId, tenantId, more }, position }) =>
      more ? [(context) => new RestoreAccess(context, { userId, tenantId, position })] : [],
  },
});
