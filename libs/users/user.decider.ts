import type { Decider, Decision, DomainEvent } from '../event-store/index.js';

/** Who somebody is to an identity provider. */
export interface ExternalIdentity {
  issuer: string;
  subject: string;
}
export interface Profile {
  displayName: string | null;
  email: string | null;
}
/** What is known of a profile; what is not is absent. */
export type GivenProfile = { [Field in keyof Profile]?: string };

export type UserRegistered = DomainEvent<
  'user-registered.v1',
  {
    userId: string;
    issuer: string | null;
    subject: string | null;
    /** The installation's own administrator, who can't be deactivated: nobody could let anybody in any more. */
    builtIn: boolean;
    at: string;
  },
  GivenProfile
>;
export type UserProfileChanged = DomainEvent<
  'user-profile-changed.v1',
  { userId: string; fields: readonly (keyof Profile)[]; revision: number; at: string },
  Partial<Profile> & { previous: Partial<Profile> }
>;
export type UserDeactivated = DomainEvent<'user-deactivated.v1', { userId: string; revision: number; at: string }>;
/** Withdraws whatever the user holds, in every tenant at once; it stays theirs. */
export type UserSuspended = DomainEvent<'user-suspended.v1', { userId: string; revision: number; at: string }>;
/** What the user holds comes back with an event in each tenant. */
export type UserReinstated = DomainEvent<
  'user-reinstated.v1',
  {
    userId: string;
    /** How many relationships that belong to no tenant come back with this event. */
    most: number;
    revision: number;
    at: string;
  }
>;
/** On the record of a tenant: what the user holds there was withdrawn by their suspension. */
export type UserAccessWithdrawn = DomainEvent<
  'user-access-withdrawn.v1',
  { userId: string; tenantId: string; at: string }
>;
export type UserAccessRestored = DomainEvent<
  'user-access-restored.v1',
  {
    userId: string;
    /** null for what the user holds in no tenant. */
    tenantId: string | null;
    /** How many relationships come back with this event. */
    most: number;
    /** Whether another such event follows. */
    more: boolean;
    at: string;
  }
>;
/** Destroys the key of the user's personal fields: nobody can read them any more, wherever they are stored. */
export type UserErased = DomainEvent<'user-erased.v1', { userId: string; revision: number; at: string }>;
export type UserEvent =
  | UserRegistered
  | UserProfileChanged
  | UserDeactivated
  | UserSuspended
  | UserReinstated
  | UserAccessWithdrawn
  | UserAccessRestored
  | UserErased;

export type UserStatus = 'active' | 'suspended' | 'deactivated';
export type UserState =
  | { status: 'absent' }
  | (Profile & {
      status: UserStatus;
      id: string;
      externalIdentity: ExternalIdentity | null;
      builtIn: boolean;
      erased: boolean;
      createdAt: string;
      updatedAt: string;
      revision: number;
    });
export type ExistingUser = Extract<UserState, { id: string }>;

export const user: Decider<UserState, UserEvent> = {
  name: 'user',
  initial: { status: 'absent' },
  evolve: (state, event) => {
    if (event.type === 'user-registered.v1') return registered(event);
    if (state.status === 'absent') return state;
    if (event.type === 'user-access-withdrawn.v1' || event.type === 'user-access-restored.v1') return state;
    const { at: updatedAt, revision } = event.data;
    switch (event.type) {
      case 'user-profile-changed.v1': {
        const { personal } = event;
        return { ...state, ...profileOf(event.data.fields, (field) => personal?.[field]), updatedAt, revision };
      }
      case 'user-deactivated.v1':
        return { ...state, status: 'deactivated', updatedAt, revision };
      case 'user-suspended.v1':
        return { ...state, status: 'suspended', updatedAt, revision };
      case 'user-reinstated.v1':
        return { ...state, status: 'active', updatedAt, revision };
      case 'user-erased.v1':
        return { ...state, displayName: null, email: null, erased: true, updatedAt, revision };
    }
  },
};

function registered({ data, personal }: UserRegistered): UserState {
  const { userId: id, issuer, subject, builtIn, at } = data;
  const externalIdentity = issuer !== null && subject !== null ? { issuer, subject } : null;
  const profile = { displayName: personal?.displayName ?? null, email: personal?.email ?? null };
  const times = { createdAt: at, updatedAt: at, revision: 1 };
  return { status: 'active', id, externalIdentity, builtIn, erased: false, ...profile, ...times };
}

/** The named fields alone; what is not known of them is null. */
function profileOf(
  fields: readonly (keyof Profile)[],
  valueOf: (field: keyof Profile) => string | null | undefined,
): Partial<Profile> {
  return Object.fromEntries(fields.map((field) => [field, valueOf(field) ?? null]));
}

export interface RegisterUser {
  userId: string;
  externalIdentity: ExternalIdentity | null;
  profile: GivenProfile;
  builtIn: boolean;
  at: string;
}

export function registerUser(command: RegisterUser, state: UserState): Decision<UserEvent> {
  if (state.status !== 'absent') return [];
  const { userId, externalIdentity, profile, builtIn, at } = command;
  const { issuer, subject } = externalIdentity ?? { issuer: null, subject: null };
  return [{ type: 'user-registered.v1', data: { userId, issuer, subject, builtIn, at }, personal: profile }];
}

export interface ChangeProfile extends Partial<Profile> {
  ifRevision?: number;
  at: string;
}

export function changeProfile(command: ChangeProfile, state: UserState): Decision<UserEvent> {
  if (state.status === 'absent') return { refused: 'not-found' };
  if (state.status === 'deactivated') return { refused: 'user-inactive' };
  if (isStale(command, state)) return { refused: 'stale-revision' };
  const fields = (['displayName', 'email'] as const).filter(
    (field) => command[field] !== undefined && command[field] !== state[field],
  );
  if (fields.length === 0) return [];
  const data = { userId: state.id, fields, revision: state.revision + 1, at: command.at };
  const previous = profileOf(fields, (field) => state[field]);
  const personal = { ...profileOf(fields, (field) => command[field]), previous };
  return [{ type: 'user-profile-changed.v1', data, personal }];
}

export interface DeactivateUser {
  ifRevision?: number;
  at: string;
}

export function deactivateUser(command: DeactivateUser, state: UserState): Decision<UserEvent> {
  if (state.status === 'absent') return { refused: 'not-found' };
  if (state.status === 'deactivated') return [];
  if (state.builtIn) return { refused: 'built-in-user' };
  if (isStale(command, state)) return { refused: 'stale-revision' };
  return [{ type: 'user-deactivated.v1', data: { userId: state.id, revision: state.revision + 1, at: command.at } }];
}

/** Whoever is erased is deactivated, too: they can't be shown to anybody, nor be told apart from others. */
export function eraseUser({ at }: { at: string }, state: UserState): Decision<UserEvent> {
  if (state.status === 'absent') return { refused: 'not-found' };
  if (state.builtIn) return { refused: 'built-in-user' };
  if (state.erased) return [];
  const { id: userId, status, revision } = state;
  if (status === 'deactivated') return [{ type: 'user-erased.v1', data: { userId, revision: revision + 1, at } }];
  return [
    { type: 'user-deactivated.v1', data: { userId, revision: revision + 1, at } },
    { type: 'user-erased.v1', data: { userId, revision: revision + 2, at } },
  ];
}

export interface SuspendUser {
  /** Who suspends; null where it is no user. */
  by: string | null;
  ifRevision?: number;
  at: string;
}

export function suspendUser(command: SuspendUser, state: UserState): Decision<UserEvent> {
  if (state.status === 'absent') return { refused: 'not-found' };
  if (state.status === 'deactivated') return { refused: 'user-inactive' };
  if (state.status === 'suspended') return [];
  if (state.builtIn) return { refused: 'built-in-user' };
  if (state.id === command.by) return { refused: 'own-suspension' };
  if (isStale(command, state)) return { refused: 'stale-revision' };
  return [{ type: 'user-suspended.v1', data: { userId: state.id, revision: state.revision + 1, at: command.at } }];
}

/** SpiceDB takes an event's relationships in one write, of at most a thousand. */
export const RESTORED_AT_ONCE = 900;

export function reinstateUser(command: { ifRevision?: number; at: string }, state: UserState): Decision<UserEvent> {
  if (state.status === 'absent') return { refused: 'not-found' };
  if (state.status === 'deactivated') return { refused: 'user-inactive' };
  if (state.status === 'active') return [];
  if (isStale(command, state)) return { refused: 'stale-revision' };
  const data = { userId: state.id, most: RESTORED_AT_ONCE, revision: state.revision + 1, at: command.at };
  return [{ type: 'user-reinstated.v1', data }];
}

export function noteWithdrawal(command: { tenantId: string; at: string }, state: UserState): Decision<UserEvent> {
  if (state.status !== 'suspended') return [];
  return [{ type: 'user-access-withdrawn.v1', data: { userId: state.id, ...command } }];
}

/** Nothing comes back to who was suspended again. */
export function restoreAccess(
  command: { tenantId: string | null; more: boolean; at: string },
  state: UserState,
): Decision<UserEvent> {
  if (state.status !== 'active') return [];
  const { tenantId, more, at } = command;
  const data = { userId: state.id, tenantId, most: RESTORED_AT_ONCE, more, at };
  return [{ type: 'user-access-restored.v1', data }];
}

function isStale({ ifRevision }: { ifRevision?: number }, state: ExistingUser): boolean {
  return ifRevision !== undefined && ifRevision !== state.revision;
}
