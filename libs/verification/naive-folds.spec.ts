import fc from 'fast-check';
import { type SourceChange, type Tuple, tupleKey } from '../outbox/index.js';
import type { RowChange } from '../projections/index.js';
import { findings, inYears, World } from './world.fixture.js';

let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.stop());

const TENANTS = ['01JQ0000000000000000000T01', '01JQ0000000000000000000T02'];
const OBJECTS = [`group:${TENANTS[0]}`, 'group:G', 'user:u'];
const SUBJECTS = ['user:u', 'user:v', 'group:G#member', 'group:H#member'];
const ENDS = [null, inYears(1), inYears(2)];

const tenantId = fc.constantFrom(...TENANTS);
const source = fc.constantFrom('direct', 'request:1', 'tenant-admin/x');
const tuple: fc.Arbitrary<Tuple> = fc.record({
  resource: fc.constant('group:H'),
  relation: fc.constant('member'),
  subject: fc.constantFrom(...SUBJECTS.slice(0, 3)),
});
const sourceChange: fc.Arbitrary<SourceChange> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ want: tuple, source, until: fc.constantFrom(...ENDS) }) },
  { weight: 3, arbitrary: fc.record({ end: tuple, source }) },
  fc.record({ endTuple: tuple }),
  fc.record({ endObject: fc.constantFrom(...OBJECTS) }),
  fc.record({ endSubject: fc.constantFrom(...SUBJECTS), tenantId, exceptSourcePrefix: fc.constant('tenant-admin/') }),
  fc.record({ closeTenant: tenantId }),
  { weight: 2, arbitrary: fc.record({ suspend: fc.constantFrom('user:u', 'user:v') }) },
  { weight: 2, arbitrary: fc.record({ reinstate: fc.constantFrom('user:u', 'user:v') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      restore: fc.constantFrom('user:u', 'user:v'),
      tenantId: fc.constantFrom(null, ...TENANTS),
      most: fc.constantFrom(1, 900),
    }),
  },
  tuple.map((resent) => ({ settle: 'none', as: 'retried' as const, by: 'operator', resend: tupleKey(resent) })),
);

const group = fc.constantFrom('a', 'b');
const key = fc.record({ group, id: fc.integer({ min: 1, max: 3 }) });
const values = fc.record({
  at: fc.constantFrom(null, '2026-01-01T00:00:00.123Z', '2026-01-01T01:00:00.123+01:00'),
  size: fc.constantFrom(null, 0, 9_007_199_254_740_991),
  on: fc.constantFrom(null, true, false),
  body: fc.constantFrom(null, { b: [1, { c: null }], a: 'é' }, []),
});
const rowChange: fc.Arbitrary<RowChange> = fc
  .oneof(
    { weight: 4, arbitrary: fc.tuple(key, values).map(([id, rest]) => ({ put: { ...id, ...rest } })) },
    { weight: 2, arbitrary: fc.record({ key, patch: values }) },
    { weight: 1, arbitrary: fc.record({ key, patch: values.map(({ at, size }) => ({ at, size })) }) },
    { weight: 1, arbitrary: fc.record({ remove: key }) },
    { weight: 1, arbitrary: fc.record({ removeWhere: fc.record({ group }) }) },
  )
  .map((change) => ({ table: 'sample', ...change }) as RowChange);

/** A relationship belongs to one tenant. */
function inTenant(tenant: string, change: SourceChange): SourceChange {
  if ('want' in change) return { ...change, want: { ...change.want, resource: `group:${tenant}` } };
  if ('end' in change) return { ...change, end: { ...change.end, resource: `group:${tenant}` } };
  return 'endTuple' in change ? { endTuple: { ...change.endTuple, resource: `group:${tenant}` } } : change;
}

const history = fc.array(
  fc.record({
    tenantId,
    sources: fc.array(sourceChange, { maxLength: 4 }),
    rows: fc.array(rowChange, { maxLength: 4 }),
    /** Whether the relay commits what has come until now. */
    commits: fc.boolean(),
  }),
  { minLength: 1, maxLength: 14 },
);

describe('the checker and the relay, each in its own way', () => {
  it('make the same rows, sources and changes of any history, however it is cut into batches', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (events) => {
        await world.reset();
        for (const { tenantId: tenant, sources, rows, commits } of events) {
          await world.sample({ sources: sources.map((change) => inTenant(tenant, change)), rows }, tenant);
          if (commits) await world.commit();
        }
        await world.commit();
        expect(findings(await world.check())).toEqual({});
        await world.deliver();
        expect(findings(await world.check())).toEqual({});
      }),
      { numRuns: 25 },
    );
  }, 240_000);
});
