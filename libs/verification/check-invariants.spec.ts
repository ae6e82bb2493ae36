import { publishHeads } from '../audit-log/index.js';
import { tupleKey } from '../outbox/index.js';
import { until } from '../testing/index.js';
import { ADA, AT, BOB, CHILD, findings, inYears, ROOT, TENANT, World } from './world.fixture.js';

const ADMIN = `tenant:${TENANT}#admin@user:${ADA}`;
const BOBS = `tenant:${TENANT}#admin@user:${BOB}`;

let world: World;
const sql = (text: string, values: unknown[] = []) => world.pool.query(text, values);

beforeAll(async () => {
  world = await World.start();
});
beforeEach(async () => {
  await world.reset();
  await world.tenant();
});
afterAll(() => world.stop());

describe('the checker, where everything follows from the log', () => {
  it('finds nothing, and says up to where it looked', async () => {
    await world.relay();
    const report = await world.check();
    expect(findings(report)).toEqual({});
    expect(report).toMatchObject({ ok: true, position: 5, delivery: { delivered: 5, undelivered: 0 } });
    expect(new Set(report.checks.map(({ promise }) => promise))).toEqual(new Set(['P3', 'P4', 'P7', 'P9']));
  });

  it('finds nothing in an installation without an event', async () => {
    await world.reset();
    expect(findings(await world.check())).toEqual({});
    await world.deliver();
    expect(await world.check()).toMatchObject({ ok: true, position: -1 });
  });

  it('takes delivery as it is when it is behind', async () => {
    await world.relay();
    await world.sample({ sources: [{ endTuple: tuple('admin', ADA) }, { want: tuple('member', ADA), source: 'x' }] });
    await world.commit();
    const report = await world.check();
    expect(findings(report)).toEqual({});
    expect(report.delivery).toEqual({ delivered: 5, undelivered: 2 });
  });

  it('finds nothing, and nothing to repair, while commands, commits and deliveries go on', async () => {
    let working = true;
    const work = async (): Promise<void> => {
      for (let round = 0; round < 60; round++) {
        const member = tuple('member', round % 2 === 0 ? ADA : BOB);
        const change = round % 3 === 0 ? { endTuple: member } : { want: member, source: 'x', until: inYears(round) };
        const put = { group: 'a', id: round % 5, size: round };
        await world.sample({ sources: [change], rows: [{ table: 'sample', put }] });
        if (round % 4 !== 0) await world.commit();
        if (round % 5 !== 0) await world.deliver();
      }
    };
    const worked = work().finally(() => (working = false));
    const found: object[] = [];
    while (working) {
      found.push(findings(await world.check()));
      await publishHeads(world.log, world.pool, world.context());
      const { position } = await world.repair();
      if (position !== null) found.push({ repaired: position });
    }
    await worked;
    await world.relay();
    found.push(findings(await world.check()));
    expect(found).toEqual(found.map(() => ({})));
    expect(found.length).toBeGreaterThan(2);
  });

  it('finds nothing while a replay puts a table in another’s place', async () => {
    await world.relay();
    let replaced: Promise<unknown> | undefined;
    const replacing = world.interrupted(async () => {
      replaced ??= sql(
        `create table tenant__next (like tenant including all); insert into tenant__next select * from tenant;
         drop table tenant; alter table tenant__next rename to tenant`,
      );
      const waiting = `select 1 from pg_locks where not granted and relation = 'tenant'::regclass`;
      await Promise.race([replaced, until(async () => (await sql(waiting)).rowCount === 1)]);
    });
    expect(findings(await world.check(replacing))).toEqual({});
    await replaced;
    expect(findings(await world.check())).toEqual({});
  });

  it('leaves aside what is past its end', async () => {
    await world.sample({ sources: [{ want: tuple('member', BOB), source: 'x', until: '2025-12-31T00:00:00.000Z' }] });
    await world.relay();
    world.clock.set(new Date());
    expect(findings(await world.check())).toEqual({});
  });

  it('ignores definitions of other services in the same SpiceDB', async () => {
    await world.relay();
    await world.spicedb.writeSchema(`${world.schema}\ndefinition document {\n\trelation viewer: user\n}`);
    await world.touch(`document:readme#viewer@user:${ADA}`);
    expect(findings(await world.check())).toEqual({});
  });

  it('finds nothing after a tenant and all of it was deleted', async () => {
    await world.relay();
    await world.append(`tenant-${TENANT}`, [
      { type: 'tenant-deletion-started.v1', data: { tenantId: TENANT, name: 'Acme Ltd', at: AT } },
    ]);
    await world.sample({ sources: [{ want: tuple('member', BOB), source: 'too-late' }] });
    await world.relay();
    const gone = { tenantId: TENANT, at: AT };
    await world.append(`workspaces-${TENANT}`, [
      { type: 'workspace-tree-closed.v1', data: gone },
      { type: 'workspace-deleted.v1', data: { ...gone, workspaceId: CHILD, name: 'Child', parentId: ROOT } },
      { type: 'workspace-deleted.v1', data: { ...gone, workspaceId: ROOT, name: 'Root', parentId: null } },
    ]);
    await world.relay();
    expect(findings(await world.check())).toEqual({});
    expect((await sql('select 1 from relationship_source')).rowCount).toBe(0);
  });
});

describe('the checker, on SpiceDB', () => {
  it('catches a removed tuple, with the event that should have written it', async () => {
    await world.relay();
    await world.remove(ADMIN);
    const event = { position: 3, id: expect.any(String), type: 'tenant-admin-granted.v1' };
    expect(findings(await world.check())).toEqual({
      'relationships in SpiceDB': [{ kind: 'missing', subject: ADMIN, event }],
    });
  });

  it('catches a removed tuple while delivery is behind', async () => {
    await world.relay();
    await world.remove(ADMIN);
    await world.sample({ sources: [{ want: tuple('member', ADA), source: 'x' }] });
    await world.commit();
    expect(findings(await world.check())['relationships in SpiceDB']).toHaveLength(1);
  });

  it('catches an extra tuple, with the event that should have removed it where there was one', async () => {
    await world.sample({ sources: [{ want: tuple('member', ADA), source: 'x' }] });
    await world.sample({ sources: [{ end: tuple('member', ADA), source: 'x' }] });
    await world.relay();
    await world.touch(`tenant:${TENANT}#member@user:${ADA}`);
    await world.touch(`tenant:${TENANT}#member@user:${BOB}`);
    expect(findings(await world.check())['relationships in SpiceDB']).toEqual([
      {
        kind: 'extra',
        subject: `tenant:${TENANT}#member@user:${ADA}`,
        event: expect.objectContaining({ position: 7 }),
      },
      { kind: 'extra', subject: `tenant:${TENANT}#member@user:${BOB}` },
    ]);
  });

  it('catches a tuple with another end', async () => {
    await world.relay();
    await world.touch(BOBS, inYears(5));
    await world.touch(ADMIN, inYears(5));
    const found = findings(await world.check())['relationships in SpiceDB']!;
    expect(found.map(({ kind, subject }) => [kind, subject]).sort()).toEqual([
      ['wrongEnd', ADMIN],
      ['wrongEnd', BOBS],
    ]);
  });

  it('catches a SpiceDB that was emptied', async () => {
    await world.relay();
    await world.emptySpiceDb();
    const found = findings(await world.check());
    expect(found['delivery mark']).toEqual([{ kind: 'missing', subject: 'mark', expected: 5 }]);
    expect(found['relationships in SpiceDB']).toHaveLength(9);
  });

  it.each([
    ['a second mark', '2', 'extra'],
    ['a mark ahead of what was delivered', '7', 'ahead'],
    ['a mark behind what was delivered', '2', 'behind'],
    ['a mark of another event', '4_00000000-0000-4000-8000-000000000000', 'foreign'],
  ])('catches %s', async (_name, place, kind) => {
    await world.relay();
    await world.mark(place, { stays: kind === 'extra' });
    const found = findings(await world.check());
    expect(found['delivery mark']?.[0]?.kind).toBe(kind);
  });

  it('lists what SpiceDB refused as parked, and not as missing', async () => {
    await world.sample({ sources: [{ want: { ...tuple('member', ADA), relation: 'owner' }, source: 'x' }] });
    await world.relay();
    const report = await world.check();
    expect(findings(report)).toEqual({});
    expect(report.parked).toMatchObject({
      count: 1,
      rows: [{ stage: 'delivery', position: 6, tuple: `tenant:${TENANT}#owner@user:${ADA}` }],
    });
  });

  it('follows what was refused through its retries until SpiceDB takes it', async () => {
    const refused = { ...tuple('member', ADA), relation: 'owner' };
    const retry = (position: number) =>
      world.sample({
        sources: [{ settle: `${position}/${tupleKey(refused)}`, as: 'retried', by: 'op', resend: tupleKey(refused) }],
      });
    const first = await world.sample({ sources: [{ want: refused, source: 'x' }] });
    await world.relay();
    const second = await retry(first);
    await world.commit();
    expect(await world.check()).toMatchObject({ ok: true, parked: { count: 0 }, delivery: { undelivered: 1 } });
    await world.deliver();
    expect(await world.check()).toMatchObject({ ok: true, parked: { count: 1, rows: [{ position: second }] } });
    await world.spicedb.writeSchema(
      world.schema.replace('definition tenant {', 'definition tenant {\n\trelation owner: user'),
    );
    await retry(second);
    await world.relay();
    expect(await world.check()).toMatchObject({ ok: true, parked: { count: 0 } });
    await world.remove(tupleKey(refused));
    expect(Object.keys(findings(await world.check()))).toEqual(['relationships in SpiceDB']);
  });
});

describe('the checker, on what follows from the log in PostgreSQL', () => {
  it('catches a skipped event', async () => {
    await world.commit(({ type }) => type !== 'tenant-created.v1');
    await world.deliver();
    const found = findings(await world.check());
    expect(found['read model tenant']).toEqual([expect.objectContaining({ kind: 'missing' })]);
    expect(found['one audit entry per event']).toEqual([
      expect.objectContaining({ kind: 'missing', event: expect.objectContaining({ type: 'tenant-created.v1' }) }),
    ]);
  });

  it('catches a skipped event that wants relationships', async () => {
    await world.commit(({ type }) => type !== 'tenant-admin-granted.v1');
    await world.deliver();
    const found = findings(await world.check());
    expect(found['wanted relationships']).toHaveLength(4);
    expect(found['relationships in SpiceDB']).toHaveLength(4);
  });

  it.each([
    ['an edited row', "update tenant set name = 'Evil'", 'differs'],
    ['an edited list in a row', `update tenant set requestable = '["tenant:admin"]'`, 'differs'],
    ['an edited time', `update tenant set updated_at = updated_at + interval '1 millisecond'`, 'differs'],
    ['a removed row', 'delete from tenant', 'missing'],
    [
      'an extra row',
      `insert into tenant select 'X', name, root_workspace_id, requestable, created_at, updated_at,
        revision from tenant`,
      'extra',
    ],
  ])('catches %s of a read model', async (_name, statement, kind) => {
    await world.relay();
    await sql(statement);
    const found = findings(await world.check());
    expect(Object.keys(found)).toEqual(['read model tenant']);
    expect(found['read model tenant']).toEqual([expect.objectContaining({ kind })]);
  });

  it.each([
    [
      'an edited source',
      'update relationship_source set until = now() where subject like $1',
      'wanted relationships',
      2,
    ],
    ['a removed source', 'delete from relationship_source where subject like $1', 'wanted relationships', 2],
    [
      'a source of another tenant',
      `update relationship_source set tenant_id = 'X' where subject like $1`,
      'wanted relationships',
      2,
    ],
    ['a tenant wrongly closed', 'insert into closed_tenant values ($1, 1)', 'closed tenants', 1],
    [
      'a source wrongly withdrawn',
      'update relationship_source set withdrawn = true where subject like $1',
      'wanted relationships',
      2,
    ],
    ['a subject wrongly suspended', 'insert into suspended_subject values ($1)', 'suspended subjects', 1],
  ])('catches %s', async (_name, statement, check, count) => {
    await world.relay();
    await sql(statement, [`user:${ADA}`]);
    const found = findings(await world.check());
    expect(Object.keys(found)).toEqual([check]);
    expect(found[check]).toHaveLength(count);
  });

  it('catches a change that is forgotten in the outbox, and one that was lost from it', async () => {
    await world.commit();
    const { rows } = await sql('select to_jsonb(c) as kept from relationship_change c where position = 3 limit 1');
    await sql('delete from relationship_change where position = 0');
    const lost = findings(await world.check());
    expect(lost['undelivered changes']).toHaveLength(3);
    await world.deliver();
    await sql('insert into relationship_change select * from jsonb_populate_record(null::relationship_change, $1)', [
      rows[0].kept,
    ]);
    const stale = findings(await world.check());
    expect(stale['undelivered changes']).toEqual([expect.objectContaining({ kind: 'stale' })]);
  });

  it('catches a checkpoint whose event is another', async () => {
    await world.relay();
    await sql('update relay_checkpoint set event_id = gen_random_uuid()');
    expect(Object.keys(findings(await world.check()))).toEqual(['checkpoint']);
  });

  it('takes a parked event for one without effects, and reports it', async () => {
    await world.sample({ poison: true, rows: [{ table: 'sample', put: { group: 'a', id: 1 } }] });
    await world.append('sample', [{ type: 'never-heard-of.v1', data: {} }]);
    await world.relay();
    const report = await world.check();
    expect(findings(report)).toEqual({});
    expect(report.parked.rows.map(({ stage, eventType }) => [stage, eventType])).toEqual([
      ['event', 'sample-recorded.v1'],
      ['event', 'never-heard-of.v1'],
    ]);
  });

  it('catches a poison event that nobody has parked', async () => {
    await world.sample({ poison: true });
    await world.relay();
    await sql('delete from parked');
    expect(findings(await world.check())).toMatchObject({ checkpoint: [{ kind: 'not-applicable' }] });
  });
});

function tuple(relation: string, user: string) {
  return { resource: `tenant:${TENANT}`, relation, subject: `user:${user}` };
}
