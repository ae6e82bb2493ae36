import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { assignmentStream, type RoleName, type Subject, type Target } from '../../libs/assignments/index.js';
import type { EventToAppend, StoredEvent } from '../../libs/event-store/index.js';
import { deterministicIds, type Ids } from '../../libs/platform/index.js';
import { someMetadata } from '../../libs/testing/event-builders.js';

const TENANTS = 100;
const WORKSPACES = 2_000;
const USERS = 20_000;
/** Who may come to hold something on a workspace: some change roles, or leave and come back. */
const PEOPLE = 100;
/** As in the history of a real community: 3 of 10 lines end something. */
const ENDING = 0.3;
const ROLES: readonly RoleName[] = ['admin', 'editor', 'member'];
const START_MS = Date.UTC(2021, 0, 4, 9);
const ROWS_AT_ONCE = 10_000;

interface Held {
  tenantId: string;
  subject: Subject;
  target: Target;
  stream: string;
  revision: number;
  /** The last one granted. */
  role: RoleName;
  holds: boolean;
}

/** Roles that are granted, replaced and ended on workspaces, as the deciders would have stored them. */
export function syntheticEvents(count: number): StoredEvent[] {
  const ids = deterministicIds('bench');
  const random = numbers(2_021);
  const below = (limit: number): number => Math.floor(random() * limit);
  const world = new World(ids, below);
  const held: Held[] = [];
  return Array.from({ length: count }, (_, position) => {
    const at = new Date(START_MS + position * 1_000).toISOString();
    const ends = held.length > 0 && random() < ENDING;
    const about = ends ? takeOne(held, below(held.length)) : world.anyone();
    const event = ends ? roleEnded(about, at) : roleGranted(about, held, ROLES[below(ROLES.length)]!, at);
    const { stream, tenantId } = about;
    const metadata = someMetadata({ tenantId, at, actor: { type: 'user', id: world.users[below(USERS)]! } });
    return { ...event, id: randomUUID(), stream, revision: ++about.revision, position, metadata };
  });
}

class World {
  readonly users: string[];
  private readonly tenants: string[];
  private readonly workspaces: string[];
  private readonly known = new Map<string, Held>();

  constructor(
    ids: Ids,
    private readonly below: (limit: number) => number,
  ) {
    const ulids = (length: number): string[] => Array.from({ length }, () => ids.ulid(new Date(START_MS)));
    [this.users, this.tenants, this.workspaces] = [ulids(USERS), ulids(TENANTS), ulids(WORKSPACES)];
  }

  anyone(): Held {
    const workspace = this.below(WORKSPACES);
    const subject: Subject = { type: 'user', id: this.users[(workspace * 7 + this.below(PEOPLE)) % USERS]! };
    const target: Target = { type: 'workspace', id: this.workspaces[workspace]! };
    const key = `${target.id} ${subject.id}`;
    let found = this.known.get(key);
    if (!found) {
      const tenantId = this.tenants[workspace % TENANTS]!;
      const stream = assignmentStream({ subject, target });
      found = { tenantId, subject, target, stream, revision: -1, role: 'member', holds: false };
      this.known.set(key, found);
    }
    return found;
  }
}

type Happened = Pick<EventToAppend, 'type' | 'data'>;

function roleGranted(about: Held, held: Held[], role: RoleName, at: string): Happened {
  const { tenantId, subject, target } = about;
  const before = about.holds ? [about.role] : [];
  const replaced = before.filter((name) => name !== role).map((name) => ({ role: name, sources: ['direct'] }));
  if (!about.holds) held.push(about);
  about.role = role;
  about.holds = true;
  const grant = { tenantId, subject, target, role, source: 'direct', until: null };
  return { type: 'role-granted.v1', data: { ...grant, replaced, rolesBefore: before, rolesAfter: [role], at } };
}

function roleEnded({ tenantId, subject, target, role }: Held, at: string): Happened {
  const end = { tenantId, subject, target, role, sources: ['direct'], reason: 'removed' };
  return { type: 'role-ended.v1', data: { ...end, rolesBefore: [role], rolesAfter: [], at } };
}

function takeOne(held: Held[], index: number): Held {
  const taken = held[index]!;
  held[index] = held.at(-1)!;
  held.pop();
  taken.holds = false;
  return taken;
}

/** Straight into the tables, as if they had been appended one after another and the relay had committed them all. */
export async function storeEvents(pool: Pool, events: readonly StoredEvent[]): Promise<void> {
  for (let start = 0; start < events.length; start += ROWS_AT_ONCE) {
    const piece = events.slice(start, start + ROWS_AT_ONCE);
    await pool.query(
      `insert into event_log.event (position, stream, revision, id, type, data, metadata, personal)
       select p, s, r, i, t, d::jsonb, m::jsonb, o::jsonb
       from unnest($1::bigint[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[])
         as e(p, s, r, i, t, d, m, o)`,
      [
        piece.map(({ position }) => position),
        piece.map(({ stream }) => stream),
        piece.map(({ revision }) => revision),
        piece.map(({ id }) => id),
        piece.map(({ type }) => type),
        piece.map(({ data }) => JSON.stringify(data)),
        piece.map(({ metadata }) => JSON.stringify(metadata)),
        piece.map(({ personal }) => personal && JSON.stringify(personal)),
      ],
    );
  }
  const { position, id } = events.at(-1)!;
  await pool.query('insert into event_log.stream select stream, max(revision) from event_log.event group by stream');
  await pool.query('update event_log.head set last_position = $1', [position]);
  await pool.query(
    `insert into relay_checkpoint (partition, incarnation, position, event_id)
     select 0, incarnation, $1::bigint, $2 from event_log.head`,
    [position, id],
  );
  await pool.query('vacuum (analyze) event_log.event');
}

/** The same numbers from 0 to 1 for the same seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
