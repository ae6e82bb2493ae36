import type { Pool } from 'pg';
import type { Recorded } from '../event-store/index.js';
import { inTransaction, openPool, systemIds } from '../platform/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { heldBy, type SourceChange, type Tuple } from './relationship.js';
import { foldRelationships } from './wanted-relationships.js';

let database: TestDatabase;
let pool: Pool;
let position = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, applicationName: 'wanted' });
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

beforeEach(async () => {
  await pool.query('truncate relationship_source, relationship_change, closed_tenant');
});

const until = '2030-01-01T00:00:00.000Z';
const editor = (workspace: string, user: string): Tuple => ({
  ...{ resource: `workspace:${workspace}`, relation: 'editor', subject: `user:${user}` },
});
const want = (tuple: Tuple, source = 'direct', end: string | null = null): SourceChange => ({
  want: tuple,
  source,
  until: end,
});

type Changes = readonly SourceChange[];
const event = (changes: Changes, tenantId = 'T') =>
  ({ id: systemIds.uuid(), position: position++, metadata: { tenantId }, data: { changes } }) as unknown as Recorded;
const mapping = ({ data }: Recorded): Changes => (data as { changes: Changes }).changes;
const fold = (...events: Recorded[]): Promise<number> =>
  inTransaction(pool, (client) => foldRelationships(client, 0, events, mapping));
const sources = async () =>
  (await pool.query('select tuple, source, tenant_id, until from relationship_source order by tuple, source')).rows;
const changes = async () =>
  (
    await pool.query(
      'select position, operation, tuple, expires_at from relationship_change order by position, sequence',
    )
  ).rows;

describe('folding events into wanted relationships', () => {
  it('keeps who wants what, and appends what that changes in the order of the log', async () => {
    const first = position;
    expect(await fold(event([want(editor('W', 'U'), 'direct', until), want(editor('W', 'V'))]), event([]))).toBe(2);
    expect(await fold(event([want(editor('W', 'U'), 'request:1')]))).toBe(1);
    expect(await fold(event([{ end: editor('W', 'U'), source: 'request:1' }, { endTuple: editor('W', 'V') }]))).toBe(2);
    expect(await sources()).toEqual([{ tuple: 'workspace:W#editor@user:U', source: 'direct', tenant_id: 'T', until }]);
    expect(await changes()).toEqual([
      { position: first, operation: 'touch', tuple: 'workspace:W#editor@user:U', expires_at: until },
      { position: first, operation: 'touch', tuple: 'workspace:W#editor@user:V', expires_at: null },
      { position: first + 2, operation: 'touch', tuple: 'workspace:W#editor@user:U', expires_at: null },
      { position: first + 3, operation: 'touch', tuple: 'workspace:W#editor@user:U', expires_at: until },
      { position: first + 3, operation: 'delete', tuple: 'workspace:W#editor@user:V', expires_at: null },
    ]);
  });

  it.each<[string, SourceChange]>([
    ['a member of the tenant', { endSubject: 'user:U', tenantId: 'T', exceptSourcePrefix: 'x/' }],
    ['altogether', { endObject: 'user:U' }],
  ])('leaves what others hold, too, where one of its holders ends as %s', async (_, ends) => {
    const binding: Tuple = { resource: 'role_binding:W/R', relation: 'role', subject: 'role:R' };
    const held = ['user:U', 'user:V'].map((holder) => want(binding, heldBy(holder, 'direct')));
    await fold(event(held));
    expect(await fold(event([ends]))).toBe(0);
    expect(await sources()).toMatchObject([{ tuple: 'role_binding:W/R#role@role:R', source: 'user:V direct' }]);
    expect(await fold(event([{ endObject: 'user:V' }]))).toBe(1);
  });

  it('gives the same whether events come one by one or together', async () => {
    const batch = () => [
      event([want(editor('W', 'U')), want(editor('X', 'U')), want(editor('W', 'V'), 'direct', until)]),
      event([{ endObject: 'workspace:X' }, want({ ...editor('W', 'G'), subject: 'group:G#member' })]),
      event([{ endObject: 'group:G' }, want(editor('W', 'V'), 'request:1')]),
      event([{ endSubject: 'user:U', tenantId: 'T', exceptSourcePrefix: 'x/' }]),
      event([want(editor('W', 'U'), 'again')]),
    ];
    await fold(...batch());
    const together = [await sources(), (await changes()).map(({ operation, tuple }) => [operation, tuple])];
    await pool.query('truncate relationship_source, relationship_change');
    for (const one of batch()) await fold(one);
    expect([await sources(), (await changes()).map(({ operation, tuple }) => [operation, tuple])]).toEqual(together);
  });

  it('ends what names an object on either side, where a set of subjects stands for it, too', async () => {
    await fold(
      event([
        want(editor('W', 'U')),
        want({ ...editor('X', ''), subject: 'workspace:W#member' }),
        want(editor('X', 'U')),
      ]),
    );
    await fold(event([{ endObject: 'workspace:W' }]));
    expect((await sources()).map(({ tuple }) => tuple)).toEqual(['workspace:X#editor@user:U']);
  });

  it('ends what somebody has in one tenant alone, but for what another stream decides', async () => {
    await fold(event([want(editor('W', 'U')), want(editor('X', 'U'), 'keep/1')]), event([want(editor('Z', 'U'))], 'S'));
    await fold(event([{ endSubject: 'user:U', tenantId: 'T', exceptSourcePrefix: 'keep/' }]));
    expect((await sources()).map(({ tuple }) => tuple)).toEqual([
      'workspace:X#editor@user:U',
      'workspace:Z#editor@user:U',
    ]);
  });

  it('lets a closed tenant only lose, in later batches, too', async () => {
    await fold(event([want(editor('W', 'U'))]), event([{ closeTenant: 'T' }]));
    await fold(
      event([want(editor('W', 'V'))]),
      event([want(editor('Z', 'V'))], 'S'),
      event([{ endObject: 'workspace:W' }]),
    );
    expect((await sources()).map(({ tuple }) => tuple)).toEqual(['workspace:Z#editor@user:V']);
    expect((await changes()).map(({ operation, tuple }) => `${operation} ${tuple}`)).toEqual([
      'touch workspace:W#editor@user:U',
      'touch workspace:Z#editor@user:V',
      'delete workspace:W#editor@user:U',
    ]);
  });

  it('TW-101 is undone with the transaction that it is part of', async () => {
    const undone = inTransaction(pool, async (client) => {
      await foldRelationships(client, 0, [event([want(editor('W', 'U'))])], mapping);
      throw new Error('later');
    });
    await expect(undone).rejects.toThrow('later');
    expect([await sources(), await changes()]).toEqual([[], []]);
  });
});
