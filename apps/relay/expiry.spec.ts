import type { CommandBus } from '@nestjs/cqrs';
import type { Pool } from 'pg';
import type { EndRole } from '../../libs/assignments/index.js';
import { ManualClock, openPool, Refused } from '../../libs/platform/index.js';
import { Progress } from '../../libs/projections/index.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/test-database.js';
import { Expiry } from './expiry.js';

let database: TestDatabase;
let pool: Pool;
let ended: EndRole[];
let refused: string[];
let clock: ManualClock;
let expiry: Expiry;
/** What the command does: it ends the role, unless told otherwise. */
let execute: (command: EndRole) => Promise<unknown>;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, applicationName: 'expiry' });
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

beforeEach(async () => {
  await pool.query('truncate assignment');
  [ended, refused, clock] = [[], [], new ManualClock('2026-01-01T00:00:10.000Z')];
  execute = async ({ input: { subject } }) => {
    await pool.query('delete from assignment where subject_id = $1', [subject.id]);
  };
  const bus = {
    execute: async (command: EndRole) => {
      ended.push(command);
      await execute(command);
      return { position: -1 };
    },
  } as unknown as CommandBus;
  const progress = new Progress(pool);
  expiry = new Expiry({ pool, bus, clock, progress, onRefused: (_due, { code }) => void refused.push(code) });
});

/** A role with an end so many seconds into the minute. */
async function held(subject: string, second: number | null, role = 'editor'): Promise<void> {
  const until = second === null ? null : `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;
  await pool.query(
    `insert into assignment (id, tenant_id, subject_type, subject_id, target_type, target_id, role, source, decided_in, until, granted_at, granted_by)
     values ('x', 'T', 'user', $1, 'workspace', 'W', $2, 'direct', 'assignment', $3, now(), 'U')`,
    [subject, role, until],
  );
}
const who = (): string[] => ended.map(({ input }) => input.subject.id);

describe('the timer of ends', () => {
  it('ends the sources that are past their end, the oldest first, and nothing else', async () => {
    await held('late', 11);
    await held('never', null);
    await held('second', 10);
    await held('first', 3, 'admin');
    expect(await expiry.runNext()).toBe(1_000);
    expect(who()).toEqual(['first', 'second']);
    expect(ended[0]!.input).toMatchObject({ tenantId: 'T', role: 'admin', sources: ['direct'], reason: 'expired' });
    expect(ended[0]!.context).toMatchObject({
      at: '2026-01-01T00:00:10.000Z',
      actor: { type: 'process', id: 'expiry' },
    });
  });

  it('sleeps until the next end, or a while where there is none', async () => {
    expect(await expiry.runNext()).toBe(30_000);
    await held('a', 15);
    expect(await expiry.runNext()).toBe(5_000);
    clock.advance(5_000);
    await expiry.runNext();
    expect(who()).toEqual(['a']);
  });

  it('sends the same command id whoever sends it, and another for an end that was moved', async () => {
    await held('a', 5);
    execute = () => Promise.resolve();
    await expiry.runNext();
    const again = new Expiry({
      pool,
      bus: { execute: async (command: EndRole) => (ended.push(command), { position: -1 }) } as never,
      clock,
      progress: new Progress(pool),
      onRefused: () => undefined,
    });
    await again.runNext();
    await pool.query(`update assignment set until = '2026-01-01T00:00:06.000Z'`);
    await again.runNext();
    const [first, second, third] = ended.map(({ context }) => context.commandId);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it('does not try again and again what is refused, nor is held up by it', async () => {
    for (let i = 0; i < 250; i++) await held(`stuck${i}`, 1);
    await held('waiting', 2);
    execute = ({ input }) =>
      input.subject.id === 'waiting' ? Promise.resolve() : Promise.reject(new Refused('last-admin'));
    for (let round = 0; round < 4; round++) await expiry.runNext();
    expect(refused).toHaveLength(250);
    expect(who().filter((subject) => subject === 'waiting')).toHaveLength(1);
  });

  it('tries again what failed for want of something', async () => {
    await held('a', 1);
    let failures = 2;
    const endNow = execute;
    execute = (command) => (failures-- > 0 ? Promise.reject(new Error('away')) : endNow(command));
    await expect(expiry.runNext()).rejects.toThrow('away');
    await expect(expiry.runNext()).rejects.toThrow('away');
    await expiry.runNext();
    expect(who()).toEqual(['a', 'a', 'a']);
    expect((await pool.query('select 1 from assignment')).rows).toEqual([]);
  });
});
