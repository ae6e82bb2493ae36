import type { Decider, Decision, DomainEvent } from '../event-store/index.js';
import type { ExternalIdentity, GivenProfile } from './user.decider.js';

/** Carries all that the registration of the user needs. */
export type IdentityClaimed = DomainEvent<'identity-claimed.v1', ExternalIdentity & { userId: string }, GivenProfile>;
export type IdentityEvent = IdentityClaimed;

export type IdentityState =
  { status: 'free' } | { status: 'claimed'; userId: string; externalIdentity: ExternalIdentity; profile: GivenProfile };

export const identity: Decider<IdentityState, IdentityEvent> = {
  name: 'identity',
  initial: { status: 'free' },
  evolve: (_state, { data: { userId, issuer, subject }, personal = {} }) => {
    return { status: 'claimed', userId, externalIdentity: { issuer, subject }, profile: personal };
  },
};

export interface ClaimIdentity {
  userId: string;
  externalIdentity: ExternalIdentity;
  profile: GivenProfile;
}

export function claimIdentity(command: ClaimIdentity, state: IdentityState): Decision<IdentityEvent> {
  const { userId, externalIdentity, profile } = command;
  if (state.status === 'claimed') {
    return state.userId === userId ? [] : { refused: 'identity-taken', field: 'externalIdentity' };
  }
  return [{ type: 'identity-claimed.v1', data: { userId, ...externalIdentity }, personal: profile }];
}
