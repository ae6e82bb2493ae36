export interface Membership {
  org: string;
  /** Empty for the organisation itself. */
  team: string;
  role: 'admin' | 'member' | 'maintainer';
  person: string;
}
export interface GeneratedHistory {
  /** JSON lines `{change, at, op, org, team, role, person}`. */
  lines: string[];
  teams: { org: string; team: string; parent: string }[];
  /** What holds after the last line, sorted. */
  final: Membership[];
}
export interface HistorySize {
  changes: number;
  orgs: number;
  /** Of each organisation. */
  teams: number;
  people: number;
}

/** Who holds what: key of (org, team, person) → membership. */
type Memberships = Map<string, Membership>;

interface World {
  orgs: string[];
  people: string[];
  teams: GeneratedHistory['teams'];
  random: Random;
}

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2020, 0, 6, 9);
const OFFSETS = [-8, -7, 0, 2];

/**
 * A history as communities have them: revokes come first in a change, a grant never repeats and a revoke never misses,
 * teams are nested, whoever is in a team is in its organisation, organisations never run out of admins though these
 * hand over to each other, people leave and come back, and one change is huge. The same seed gives the same history.
 */
export function generateMembershipHistory(seed: number, size: HistorySize): GeneratedHistory {
  const random = new Random(seed);
  const orgs = Array.from({ length: size.orgs }, (_, index) => `org-${index + 1}`);
  const people = Array.from({ length: size.people }, (_, index) => `person-${index + 1}`);
  const teams = orgs.flatMap((org) => teamsOf(org, size.teams, random));
  const world = { orgs, people, teams, random };
  const huge = Math.min(2, size.changes - 1);
  const lines: string[] = [];
  let held: Memberships = new Map();
  for (let index = 0, change = 1; index < size.changes; index++, change += random.chance(0.1) ? 2 : 1) {
    const next = new Map(held);
    for (const org of orgs.slice(0, begun(world, index, size.changes))) beginOrganisation(next, org, world);
    const turns = index === huge ? size.people * 3 : 1 + random.below(6);
    for (let turn = 0; turn < turns; turn++) takeTurn(next, world, index === huge);
    lines.push(...changeLines(held, next, { change, at: timeOf(index, random) }));
    held = next;
  }
  const final = [...held.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return { lines, teams, final };
}

function teamsOf(org: string, count: number, random: Random): GeneratedHistory['teams'] {
  return Array.from({ length: count }, (_, index) => {
    const nested = index > 0 && random.chance(0.4);
    return { org, team: `team-${index + 1}`, parent: nested ? `team-${1 + random.below(index)}` : '' };
  }).reverse();
}

/** How many organisations there are by then: the last one begins half-way. */
function begun({ orgs }: World, index: number, changes: number): number {
  return index < changes / 2 ? Math.max(1, orgs.length - 1) : orgs.length;
}

function beginOrganisation(held: Memberships, org: string, { people, random }: World): void {
  if (adminsOf(held, org).length > 0) return;
  for (const person of random.some(people, 2)) put(held, { org, team: '', role: 'admin', person });
}

function takeTurn(held: Memberships, world: World, joining: boolean): void {
  const { random, people, orgs } = world;
  const active = orgs.filter((org) => adminsOf(held, org).length > 0);
  const org = random.one(active);
  const person = random.one(people);
  const role = held.get(keyOf({ org, team: '', person }))?.role;
  if (role === undefined) return put(held, { org, team: '', role: 'member', person });
  const turn = joining ? 0 : random.below(100);
  if (turn < 80) return changeTeam(held, world, { org, person });
  if (turn < 84) return handOver(held, org, random);
  if (role === 'admin' && adminsOf(held, org).length === 1) return;
  if (turn < 95) return leave(held, org, person);
  put(held, { org, team: '', role: role === 'admin' ? 'member' : 'admin', person });
}

function changeTeam(
  held: Memberships,
  { teams, random }: World,
  { org, person }: { org: string; person: string },
): void {
  const own = teams.filter((team) => team.org === org);
  if (own.length === 0) return;
  const { team } = random.one(own);
  const key = keyOf({ org, team, person });
  const role = held.get(key)?.role;
  if (role !== undefined && random.chance(0.5)) held.delete(key);
  else put(held, { org, team, role: random.chance(0.3) ? 'maintainer' : 'member', person });
}

/** One admin steps down or leaves, and a member takes over, in the same change. */
function handOver(held: Memberships, org: string, random: Random): void {
  const members = [...held.values()].filter((held) => held.org === org && held.team === '' && held.role === 'member');
  if (members.length === 0) return;
  const { person: old } = random.one(adminsOf(held, org));
  put(held, { ...random.one(members), role: 'admin' });
  if (random.chance(0.5)) leave(held, org, old);
  else put(held, { org, team: '', role: 'member', person: old });
}

function leave(held: Memberships, org: string, person: string): void {
  for (const [key, membership] of held) if (membership.org === org && membership.person === person) held.delete(key);
}

function changeLines(before: Memberships, after: Memberships, moment: { change: number; at: string }): string[] {
  const among =
    (memberships: Memberships) =>
    (key: string, { role }: Membership) =>
      memberships.get(key)?.role === role;
  const gone = [...before].filter(([key, membership]) => !among(after)(key, membership));
  const added = [...after].filter(([key, membership]) => !among(before)(key, membership));
  const line = (op: 'grant' | 'revoke', [, { org, team, role, person }]: [string, Membership]): string =>
    JSON.stringify({ ...moment, op, org, team, role, person });
  return [...gone.map((entry) => line('revoke', entry)), ...added.map((entry) => line('grant', entry))];
}

function timeOf(index: number, random: Random): string {
  const offset = random.one(OFFSETS);
  const local = new Date(START_MS + (index * 5 + offset) * HOUR_MS).toISOString().slice(0, 19);
  return `${local}${offset < 0 ? '-' : '+'}${String(Math.abs(offset)).padStart(2, '0')}:00`;
}

function adminsOf(held: Memberships, org: string): Membership[] {
  return [...held.values()].filter((held) => held.org === org && held.team === '' && held.role === 'admin');
}

function put(held: Memberships, membership: Membership): void {
  held.set(keyOf(membership), membership);
}

function keyOf({ org, team, person }: Omit<Membership, 'role'>): string {
  return JSON.stringify([org, team, person]);
}

/** mulberry32: small, and the same everywhere. */
class Random {
  constructor(private state: number) {}

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  some<T>(items: readonly T[], count: number): T[] {
    return Array.from({ length: count }, () => this.one(items));
  }

  private next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
}
