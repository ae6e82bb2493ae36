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
export type UserEvent = UserRegistered | UserProfileChanged | UserDeactivated;

export type UserState =
  | { status: 'absent' }
  | (Profile & {
      status: 'active' | 'deactivated';
      id: string;
      externalIdentity: ExternalIdentity | null;
      builtIn: boolean;
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
    const { at: updatedAt, revision } = event.data;
    switch (event.type) {
      case 'user-profile-changed.v1': {
        const { personal } = event;
        return { ...state, ...profileOf(event.data.fields, (field) => personal?.[field]), updatedAt, revision };
      }
      case 'user-deactivated.v1':
        return { ...state, status: 'deactivated', updatedAt, revision };
    }
  },
};

function registered({ data, personal }: UserRegistered): UserState {
  const { userId: id, issuer, subject, builtIn, at } = data;
  const externalIdentity = issuer !== null && subject !== null ? { issuer, subject } : null;
  const profile = { displayName: personal?.displayName ?? null, email: personal?.email ?? null };
  return { status: 'active', id, externalIdentity, builtIn, ...profile, createdAt: at, updatedAt: at, revision: 1 };
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

function isStale({ ifRevision }: { ifRevision?: number }, state: ExistingUser): boolean {
  return ifRevision !== undefined && ifRevision !== state.revision;
}
