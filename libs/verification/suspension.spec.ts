import fc from 'fast-check';
import { type SourceChange, type Tuple, tupleKey } from '../outbox/index.js';
import { findings, inYears, World } from './world.fixture.js';

let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.stop());

const TENANTS = ['01JQ0000000000000000000T01', '01JQ0000000000000000000T02'];
const USERS = ['user:u', 'user:v'];
const AT_ONCE = 2;

const user = fc.constantFrom(...USERS);
/** Of a tenant each: its name is in the name of the group. */
const tuple: fc.Arbitrary<Tuple> = fc.record({
  resource: fc
    .tuple(fc.constantFrom(...TENANTS), fc.constantFrom('a', 'b', 'c'))
    .map(([tenant, name]) => `group:${tenant}${name}`),
  relation: fc.constantFrom('member', 'owner'),
  subject: user,
});
const grant = fc.record({
  tuple,
  source: fc.constantFrom('direct', 'request:1'),
  until: fc.constantFrom(null, inYears(1), inYears(2)),
});
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ grant }) },
  { weight: 2, arbitrary: fc.record({ end: grant }) },
  { weight: 1, arbitrary: fc.record({ endAll: tuple }) },
  { weight: 1, arbitrary: fc.record({ leave: user, tenant: fc.constantFrom(...TENANTS) }) },
  { weight: 3, arbitrary: fc.record({ suspend: user }) },
  { weight: 3, arbitrary: fc.record({ reinstate: user }) },
  { weight: 1, arbitrary: fc.record({ delete: fc.constantFrom(...TENANTS) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Who has what until when, and who is suspended: nothing else. */
class Oracle {
  private readonly grants = new Map<string, { tuple: string; user: string; tenant: string; until: string | null }>();
  private readonly suspended = new Set<string>();
  private readonly deleted = new Set<string>();

  take(one: Step): void {
    if ('grant' in one) this.grant(one.grant);
    else if ('end' in one) this.grants.delete(idOf(one.end));
    else if ('endAll' in one) this.drop((held) => held.tuple === tupleKey(one.endAll));
    else if ('leave' in one) this.drop((held) => held.user === one.leave && held.tenant === one.tenant);
    else if ('suspend' in one) this.suspended.add(one.suspend);
    else if ('reinstate' in one) this.suspended.delete(one.reinstate);
    else this.delete(one.delete);
  }

  get wanted(): [string, string | null][] {
    const ends = new Map<string, (string | null)[]>();
    for (const { tuple: of, user: by, until } of this.grants.values()) {
      if (!this.suspended.has(by)) ends.set(of, [...(ends.get(of) ?? []), until]);
    }
    const latest = (all: (string | null)[]) => (all.includes(null) ? null : [...all].sort().at(-1)!);
    return [...ends].map(([of, all]) => [of, latest(all)] as [string, string | null]).sort();
  }

  private grant({ tuple: of, source, until }: { tuple: Tuple; source: string; until: string | null }): void {
    const tenant = tenantOf(of);
    if (this.deleted.has(tenant)) return;
    this.grants.set(idOf({ tuple: of, source }), { tuple: tupleKey(of), user: of.subject, tenant, until });
  }

  private delete(tenant: string): void {
    this.deleted.add(tenant);
    this.drop((held) => held.tenant === tenant);
  }

  private drop(matches: (held: { tuple: string; user: string; tenant: string }) => boolean): void {
    for (const [id, held] of this.grants) if (matches(held)) this.grants.delete(id);
  }
}

function tenantOf({ resource }: Tuple): string {
  return resource.slice('group:'.length, -1);
}

function idOf({ tuple: of, source }: { tuple: Tuple; source: string }): string {
  return `${tupleKey(of)} ${source}`;
}

/** The events of a step, with the changes that the product's own events make: a reinstatement is several. */
function eventsOf(one: Step): { tenant: string | null; sources: SourceChange[] }[] {
  if ('grant' in one) {
    const { tuple: want, source, until } = one.grant;
    return [{ tenant: tenantOf(want), sources: [{ want, source, until }] }];
  }
  if ('end' in one) {
    return [{ tenant: tenantOf(one.end.tuple), sources: [{ end: one.end.tuple, source: one.end.source }] }];
  }
  if ('endAll' in one) return [{ tenant: tenantOf(one.endAll), sources: [{ endTuple: one.endAll }] }];
  if ('leave' in one) {
    const { leave: endSubject, tenant } = one;
    return [{ tenant, sources: [{ endSubject, tenantId: tenant, exceptSourcePrefix: 'none/' }] }];
  }
  if ('suspend' in one) return [{ tenant: null, sources: [{ suspend: one.suspend }] }];
  if ('reinstate' in one) {
    const { reinstate } = one;
    const restore = (tenantId: string | null): SourceChange => ({ restore: reinstate, tenantId, most: AT_ONCE });
    const parts = TENANTS.flatMap((tenant) =>
      Array.from({ length: 3 }, () => ({ tenant, sources: [restore(tenant)] })),
    );
    return [{ tenant: null, sources: [{ reinstate }, restore(null)] }, ...parts];
  }
  const groups = ['a', 'b', 'c'].map((name): SourceChange => ({ endObject: `group:${one.delete}${name}` }));
  return [{ tenant: one.delete, sources: [{ closeTenant: one.delete }, ...groups] }];
}

async function inSpiceDb(): Promise<[string, string | null][]> {
  const found: [string, string | null][] = [];
  for await (const page of world.spicedb.readAll('group')) {
    found.push(...page.map(({ tuple: of, expiresAt }) => [of, expiresAt] as [string, string | null]));
  }
  return found.sort();
}

const history = fc.array(fc.record({ step, rests: fc.boolean() }), { minLength: 1, maxLength: 25 });

it('P4 SpiceDB holds what is granted to who is not suspended, whatever happened in whichever order', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      await world.reset();
      const oracle = new Oracle();
      for (const { step: one, rests } of steps) {
        oracle.take(one);
        for (const { tenant, sources } of eventsOf(one)) await world.sample({ sources }, tenant);
        if (!rests) continue;
        await world.relay();
        expect(await inSpiceDb()).toEqual(oracle.wanted);
      }
      await world.relay();
      expect(await inSpiceDb()).toEqual(oracle.wanted);
      expect(findings(await world.check())).toEqual({});
    }),
    { numRuns: 25 },
  );
}, 240_000);
