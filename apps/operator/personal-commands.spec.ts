import { DEVELOPMENT_PERSONAL_DATA_KEYS } from '../../libs/platform/config-settings.js';
import type { Report } from '../../libs/verification/index.js';
import { requireMigrated } from '../../libs/wiring/index.js';
import { OperatorWorld, type Ran } from './operator.fixture.js';

const NEXT = `next:${Buffer.from('Vb7kQ2xZp9LmRt4WcY8sHd1NfGj6TuEa').toString('base64')}`;

let world: OperatorWorld;
beforeAll(async () => {
  world = await OperatorWorld.start();
  expect(await world.operator('migrate')).toMatchObject({ code: 0 });
  await world.live();
});
afterAll(() => world.stop());

const nameOf = async (userId: string): Promise<unknown> =>
  (await world.rows<{ name: unknown }>('select display_name as name from app_user where id = $1', [userId]))[0]!.name;
const withKeys = (keys: string, ...args: string[]): Promise<Ran> => world.run(args, { PERSONAL_DATA_KEYS: keys });

describe('erase', () => {
  it('destroys the key of a user’s personal data, once, on the record, and verify is clean', async () => {
    const userId = await world.user('Philomena');
    expect(await nameOf(userId)).toBe('Philomena');
    const erased = await world.asked('erase', userId, '--yes');
    expect(erased).toMatchObject({ code: 0, userId, erased: true });
    expect(await nameOf(userId)).toBeNull();
    await world.delivered();
    expect(await world.asked('erase', userId.toLowerCase(), '--yes')).toMatchObject({ code: 0, userId, erased: true });
    expect(await world.asked<Report>('verify')).toMatchObject({ code: 0, ok: true });
    expect(await world.rows(`select 1 as one from audit_entry where action = 'user.erased'`)).toHaveLength(1);
  });

  it('is on the record where no relay runs, and is completed by the next one', async () => {
    const userId = await world.user('Ottoline');
    await world.stopRelay();
    const { code, out } = await world.operator('erase', userId, '--yes');
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('as soon as a relay runs') });
    world.startRelay();
    await world.delivered();
    expect(await nameOf(userId)).toBeNull();
    const [key] = await world.rows('select wrapped_key from subject_key where subject = $1', [`user:${userId}`]);
    expect(key).toEqual({ wrapped_key: null });
  });

  it('asks nobody who can’t answer, and refuses who is unknown or built in', async () => {
    const userId = await world.user('Cressida');
    const unasked = await world.operator('erase', userId);
    expect(unasked).toMatchObject({ code: 2, errors: expect.stringContaining('--yes') });
    expect(await nameOf(userId)).toBe('Cressida');
    expect(await world.operator('erase', '01JQ0000000000000000000A01', '--yes')).toMatchObject({ code: 1, out: '' });
    const [builtIn] = await world.rows<{ id: string }>('select id from app_user where built_in');
    expect(await world.operator('erase', builtIn!.id, '--yes')).toMatchObject({ code: 1, out: '' });
  });
});

describe('lost-keys', () => {
  const parkedIds = async () => {
    const { items } = await world.asked<{ items: { id: string }[] }>('parked', 'list');
    return items.map(({ id }) => id);
  };
  const toOlder = (subject: string) => world.rows('delete from subject_key where subject = $1', [subject]);

  it('finds nothing where every key is there, and does nothing while a relay is active', async () => {
    expect(await world.operator('lost-keys')).toMatchObject({ code: 2, errors: expect.stringContaining('relay') });
    await world.stopRelay();
    expect(await world.asked('lost-keys', '--accept')).toEqual({ code: 0, subjects: [], events: 0, accepted: false });
  });

  it('names whose are lost; accepted, on the record, what they sealed counts as erased and all else goes on', async () => {
    const userId = await world.userUnseen('Guinevere');
    const subject = `user:${userId}`;
    await toOlder(subject);
    world.runtime.keys.forgetAll();
    world.startRelay();
    await world.delivered();
    const parked = await parkedIds();
    expect(parked.length).toBeGreaterThan(0);
    await world.stopRelay();

    const told = await world.asked<{ events: number }>('lost-keys');
    expect(told).toEqual({ code: 1, subjects: [subject], events: told.events, accepted: false });
    expect(await world.rows('select subject from subject_key where subject = $1', [subject])).toEqual([]);
    expect(await world.asked('lost-keys', '--accept')).toMatchObject({ code: 0, subjects: [subject], accepted: true });
    expect(await world.asked('lost-keys')).toMatchObject({ code: 0, subjects: [] });

    world.runtime.keys.forgetAll();
    world.startRelay();
    for (const id of parked) await world.operator('parked', 'retry', id);
    expect(await world.operator('replay', 'all')).toMatchObject({ code: 0 });
    expect(await nameOf(userId)).toBeNull();
    expect(await world.asked<Report>('verify')).toMatchObject({ code: 0, ok: true });
    const accepted = await world.rows(`select new_values from audit_entry where action = 'lost-keys.accepted'`);
    expect(accepted).toEqual([{ new_values: { subjects: [subject] } }]);

    await world.renamed(userId, 'Gwen');
    expect(await nameOf(userId)).toBe('Gwen');
    expect(await world.asked<Report>('verify')).toMatchObject({ code: 0, ok: true });
  });
});

describe('rotate-keys', () => {
  it('wraps every key with the new wrapping key; then, and not before, the old one can be taken away', async () => {
    const early = await withKeys(NEXT, 'status');
    expect(early).toMatchObject({ code: 2, errors: expect.stringMatching(/PERSONAL_DATA_KEYS.*the key development/s) });
    const rotated = await withKeys(`${NEXT},${DEVELOPMENT_PERSONAL_DATA_KEYS}`, 'rotate-keys', '--json');
    const { wrapped } = JSON.parse(rotated.out) as { wrapped: number };
    expect(JSON.parse(rotated.out)).toEqual({ wrappingKeyId: 'next', wrapped, left: 0 });
    expect(wrapped).toBeGreaterThan(1);
    expect(await withKeys(NEXT, 'status')).toMatchObject({ code: 0 });
    expect(await world.operator('status')).toMatchObject({ code: 2, errors: expect.stringContaining('the key next') });
    // As a process asks that was opened while the database was away.
    await expect(requireMigrated(world.runtime)).rejects.toThrow(/PERSONAL_DATA_KEYS.*the key next/s);
    const again = await withKeys(NEXT, 'rotate-keys');
    expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/^0 keys were wrapped with next, and all are/) });
  });
});
