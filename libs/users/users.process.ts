import { process } from '../projections/index.js';
import type { IdentityClaimed } from './identity.decider.js';
import { CompleteUser } from './register-user.js';
import { USERS_PROCESS } from './user-streams.js';

/** A claimed identity goes on to its user. */
export const usersProcess = process<IdentityClaimed>({
  name: USERS_PROCESS,
  followUps: {
    'identity-claimed.v1': ({ data: { userId, issuer, subject }, personal: profile = {} }) => [
      (context) => new CompleteUser(context, { userId, externalIdentity: { issuer, subject }, profile }),
    ],
  },
});
