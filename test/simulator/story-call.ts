import type { Subject } from '../../libs/assignments/index.js';
import type { MakeCommand } from '../../libs/edge/index.js';
import type { StoredEvent } from '../../libs/event-store/index.js';
import type { Seeded } from './seeded.js';

interface KnownTenant {
  id: string;
  rootId: string;
  workspaces: string[];
  serviceAccounts: string[];
  tokens: { id: string; serviceAccountId: string }[];
  roles: KnownRole[];
}
/** A role of a tenant, with the revision that somebody last saw. */
export interface KnownRole {
  id: string;
  revision: number;
}
export interface KnownRequest {
  id: string;
  tenantId: string;
  requester: Subject;
  /** The role of the tenant that is asked for, as the requester saw it. */
  role?: KnownRole;
}
/** What the people of a story know, as far as they were told. */
export interface Known {
  users: string[];
  tenants: KnownTenant[];
  requests: KnownRequest[];
}
/** An answer as its caller sees it, without what differs between two of the same. */
export type Told = Record<string, unknown> & { id: string };

/** A call that somebody makes. */
export interface StoryCall {
  name: string;
  /** Who calls. */
  principal: string;
  tenantId: string | null;
  make: MakeCommand;
  learn?: (told: Told) => void;
  /** Whether an event is one that an accepted call leaves in the log. */
  leaves: (event: StoredEvent, told: Told) => boolean;
}

/** What somebody may do next; undefined where it is not possible. */
export type Choice = (random: Seeded, known: Known, now: Date) => StoryCall | undefined;

export const user = (id: string) => ({ type: 'user' as const, id });
/** Who calls where nobody of the story does. */
export const NOBODY = 'nobody';

/** Some grants end soon, so that their ends come while the story goes on. */
export function someEnd(random: Seeded, now: Date): string | null {
  return random.chance(0.35) ? new Date(now.getTime() + random.between(300, 3_000)).toISOString() : null;
}

export function somewhere(random: Seeded, known: Known) {
  const tenant = random.pick(known.tenants);
  const workspaceId = random.chance(0.5) ? tenant.rootId : random.pick(tenant.workspaces);
  return { tenant, tenantId: tenant.id, workspaceId, userId: random.pick(known.users) };
}
