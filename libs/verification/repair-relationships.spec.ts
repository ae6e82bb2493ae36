import { type SpiceDb, type Update } from '../authorization/index.js';
import { readMark } from '../outbox/index.js';
import { ADA, BOB, findings, inYears, TENANT, World } from './world.fixture.js';

const ADMIN = `tenant:${TENANT}#admin@user:${ADA}`;
const BOBS = `tenant:${TENANT}#admin@user:${BOB}`;
const STRAY = `tenant:${TENANT}#member@user:${BOB}`;
const UNTOUCHED = { missing: 0, extra: 0, refused: [], position: null };

let world: World;

beforeAll(async () => {
  world = await World.start();
});
beforeEach(async () => {
  await world.reset();
  await world.tenant();
  await world.relay();
});
afterAll(() => world.stop());

const repaired = async () => (await world.log.readStream('repairs')).map(({ type, data }) => ({ type, data }));

describe('a repair of the relationships', () => {
  it('writes what is missing, removes what is extra, and puts it on the record', async () => {
    await world.remove(ADMIN);
    await world.touch(BOBS, inYears(7));
    await world.touch(STRAY);
    expect(await world.repair()).toEqual({ missing: 2, extra: 1, refused: [], position: 6 });
    const tuples = [
      { operation: 'delete', tuple: STRAY },
      { operation: 'touch', tuple: ADMIN },
      { operation: 'touch', tuple: BOBS },
    ];
    expect(await repaired()).toEqual([{ type: 'relationships-repaired.v1', data: { missing: 2, extra: 1, tuples } }]);
    await world.relay();
    expect(findings(await world.check())).toEqual({});
  });

  it('does and records nothing the second time', async () => {
    await world.remove(ADMIN);
    await world.repair();
    expect(await world.repair()).toEqual(UNTOUCHED);
    expect(await repaired()).toHaveLength(1);
  });

  it('shows in the audit log of the installation', async () => {
    await world.touch(STRAY);
    await world.repair();
    await world.relay();
    const { rows } = await world.pool.query(`select action, new_values from audit_entry where chain = 'system'`);
    const tuples = [{ operation: 'delete', tuple: STRAY }];
    expect(rows).toEqual([{ action: 'relationships.repaired', new_values: { missing: 0, extra: 1, tuples } }]);
  });

  it('fills a SpiceDB that was emptied, in as many writes as it takes, with the mark last', async () => {
    const users = Array.from({ length: 1_000 }, () => world.ids.ulid(world.clock.now()));
    const member = (user: string) => ({ resource: `tenant:${TENANT}`, relation: 'member', subject: `user:${user}` });
    await world.sample({ sources: users.slice(0, 500).map((user) => ({ want: member(user), source: 'x' })) });
    await world.sample({ sources: users.slice(500).map((user) => ({ want: member(user), source: 'x' })) });
    await world.relay();
    await world.emptySpiceDb();
    expect(await world.repair()).toMatchObject({ missing: 1_009, extra: 0, refused: [] });
    expect(await readMark(world.spicedb, 0)).toMatchObject({ position: 7, piece: 0 });
    expect((await repaired())[0]?.data).toMatchObject({ tuples: { length: 100 } });
    await world.relay();
    expect(findings(await world.check())).toEqual({});
  });

  it('completes a refill that was interrupted', async () => {
    await world.emptySpiceDb();
    const breaking = intercepted(world.spicedb, (updates) => {
      if (updates.some(({ tuple }) => tuple.includes('relay_mark:4'))) throw new Error('killed');
    });
    await world.commit();
    await world.pool.query('update delivery_mark set position = 4');
    await expect(world.repair(breaking)).rejects.toThrow('killed');
    expect(findings(await world.check())).toHaveProperty(['delivery mark']);
    await world.repair();
    await world.relay();
    expect(findings(await world.check())).toEqual({});
  });

  it('gives way to a relay that delivers in between, and looks again', async () => {
    await world.remove(ADMIN);
    const sources = [{ endTuple: { resource: `tenant:${TENANT}`, relation: 'admin', subject: `user:${ADA}` } }];
    await world.sample({ sources });
    await world.commit();
    let meanwhile: (() => Promise<void>) | undefined = () => world.deliver();
    const raced = intercepted(world.spicedb, async () => {
      const deliver = meanwhile;
      meanwhile = undefined;
      await deliver?.();
    });
    await world.touch(STRAY);
    await world.repair(raced);
    expect(meanwhile).toBeUndefined();
    await world.relay();
    expect(findings(await world.check())).toEqual({});
    expect((await repaired()).map(({ data }) => data)).toMatchObject([{ extra: 1 }, { extra: 1 }]);
  });

  it('leaves to the relay what the relay still has to deliver', async () => {
    await world.sample({
      sources: [{ want: { resource: `tenant:${TENANT}`, relation: 'member', subject: `user:${BOB}` }, source: 'x' }],
    });
    await world.commit();
    expect(await world.repair()).toEqual(UNTOUCHED);
    await world.deliver();
    expect(findings(await world.check())).toEqual({});
  });

  it.each([
    ['a stray mark', '2', false],
    ['a mark of earlier', '2', true],
    ['a mark of later', '99', true],
    ['a mark of another event', '4_00000000-0000-4000-8000-000000000000', true],
  ])('puts %s right', async (_name, place, instead) => {
    await world.mark(place, { stays: !instead });
    await world.repair();
    await world.relay();
    expect(findings(await world.check())).toEqual({});
    expect(await world.repair()).toEqual(UNTOUCHED);
  });

  it('reports what SpiceDB refuses, and repairs the rest', async () => {
    await world.remove(ADMIN);
    await world.sample({
      sources: [{ want: { resource: `tenant:${TENANT}`, relation: 'owner', subject: `user:${BOB}` }, source: 'x' }],
    });
    await world.relay();
    await world.pool.query('delete from parked');
    const { refused } = await world.repair();
    expect(refused.map(({ tuple }) => tuple)).toEqual([`tenant:${TENANT}#owner@user:${BOB}`]);
    await world.relay();
    expect(findings(await world.check())['relationships in SpiceDB']).toHaveLength(1);
  });
});

/** The same SpiceDB, with something happening before each write. */
function intercepted(spicedb: SpiceDb, before: (updates: readonly Update[]) => void | Promise<void>): SpiceDb {
  const write: SpiceDb['write'] = async (updates, preconditions) => {
    await before(updates);
    return spicedb.write(updates, preconditions);
  };
  return new Proxy(spicedb, {
    get: (target, name) => {
      const member: unknown = name === 'write' ? write : Reflect.get(target, name);
      return typeof member === 'function' && name !== 'write' ? member.bind(target) : member;
    },
  });
}
