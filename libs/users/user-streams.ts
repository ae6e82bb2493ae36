import { createHash } from 'node:crypto';
import type { Accepted } from '../edge/index.js';
import {
  type CommandContext,
  type DeciderRuntime,
  type Decision,
  followUpContext,
  type Recorded,
} from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { identity, type IdentityEvent, type IdentityState } from './identity.decider.js';
import {
  type ExistingUser,
  type ExternalIdentity,
  type GivenProfile,
  type Profile,
  user,
  type UserEvent,
  type UserState,
  type UserStatus,
} from './user.decider.js';

export interface UserResource extends Profile {
  id: string;
  externalIdentity: ExternalIdentity | null;
  status: UserStatus;
  /** Whether they may act: neither suspended nor deactivated. */
  active: boolean;
  createdAt: string;
  updatedAt: string;
}

export const USERS_PROCESS = 'users';

const userStream = (userId: string): string => `user-${userId}`;

/** A subject is told from another by its case; NUL stands in neither part. */
function identityStream({ issuer, subject }: ExternalIdentity): string {
  const key = `${issuer}\0${subject}`.normalize('NFKC');
  return `reservation-identity-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
}

export function executeOnUser(
  runtime: DeciderRuntime,
  context: CommandContext,
  userId: string,
  decide: (state: UserState) => Decision<UserEvent>,
  /** Of what the event is about, where that is a tenant. */
  tenantId: string | null = null,
) {
  return runtime.execute({ stream: userStream(userId), decider: user, tenantId, context, decide });
}

export function executeOnIdentity(
  runtime: DeciderRuntime,
  context: CommandContext,
  externalIdentity: ExternalIdentity,
  decide: (state: IdentityState) => Decision<IdentityEvent>,
) {
  return runtime.execute({
    stream: identityStream(externalIdentity),
    decider: identity,
    tenantId: null,
    context,
    decide,
  });
}

export async function loadUser(runtime: DeciderRuntime, userId: string): Promise<UserState> {
  return (await runtime.load(userStream(userId), user)).state;
}

/** The user as they were when what follows from the claim of their identity was done for the first time. */
export async function firstUser(
  runtime: DeciderRuntime,
  userId: string,
  [claimed]: readonly Recorded<IdentityEvent>[],
): Promise<UserState> {
  if (!claimed) return loadUser(runtime, userId);
  const { commandId } = followUpContext(claimed, USERS_PROCESS, 0);
  return (await runtime.asOf(userStream(userId), user, commandId)).state;
}

function userResource(state: ExistingUser): UserResource {
  const { id, displayName, email, externalIdentity, status, createdAt, updatedAt } = state;
  return { id, displayName, email, externalIdentity, status, active: status === 'active', createdAt, updatedAt };
}

export function acceptedUser(state: UserState, position: number): Accepted<UserResource> {
  if (state.status === 'absent') throw new Refused('not-found');
  return { resource: userResource(state), revision: state.revision, position };
}

export function givenProfile({ displayName, email }: Partial<Profile>): GivenProfile {
  return { ...(displayName && { displayName }), ...(email && { email }) };
}
