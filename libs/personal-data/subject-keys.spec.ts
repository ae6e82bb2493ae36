import { jest } from '@jest/globals';
import type { Pool } from 'pg';
import { inTransaction, openPool, parseWrappingKeys } from '../platform/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/index.js';
import type { DataKey } from './data-key.js';
import { WrappingKeyRefused } from './key-wrapping.js';
import { destroyKeys, type SubjectKey, SubjectKeys } from './subject-keys.js';

const written = (id: string, filledWith = id): string => `${id}:${Buffer.alloc(32, filledWith).toString('base64')}`;

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, applicationName: 'spec' });
});
beforeEach(() => pool.query('truncate subject_key'));
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const keysWith = (...wrapping: string[]) => new SubjectKeys(pool, parseWrappingKeys(wrapping.join(','))!);
const bytesOf = (key: SubjectKey | undefined): string => (key as DataKey).bytes.toString('hex');
const erase = (...subjects: string[]) => inTransaction(pool, (client) => destroyKeys(client, subjects));
const rows = async (text: string) => (await pool.query<Record<string, unknown>>(text)).rows;

describe('the key of a person', () => {
  it('is made once, and found again by every process', async () => {
    const [one, other] = [keysWith(written('a')), keysWith(written('a'))];
    const made = bytesOf((await one.toSeal(['user:1'])).get('user:1'));
    for (const keys of [one, other]) {
      expect(bytesOf((await keys.toSeal(['user:1'])).get('user:1'))).toBe(made);
      expect(bytesOf((await keys.toOpen(['user:1'])).get('user:1'))).toBe(made);
    }
    expect(bytesOf((await one.toSeal(['user:2'])).get('user:2'))).not.toBe(made);
  });

  it('is the same for processes that need it for the first time at once', async () => {
    const processes = Array.from({ length: 8 }, () => keysWith(written('a')));
    const made = await Promise.all(processes.map((keys) => keys.toSeal(['user:1', 'user:2'])));
    expect(new Set(made.map((ring) => bytesOf(ring.get('user:1')))).size).toBe(1);
    expect(await rows('select subject from subject_key order by subject')).toHaveLength(2);
  });

  it('that was stored before the process began is not asked for, unless it was destroyed since', async () => {
    const made = await keysWith(written('a')).toSeal(['user:1', 'user:2', 'user:3']);
    const keys = keysWith(written('a'));
    await keys.rememberStored();
    const asked = jest.spyOn(pool, 'query');
    const found = await keys.toOpen(['user:1', 'user:2']);
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
    for (const subject of ['user:1', 'user:2']) expect(bytesOf(found.get(subject))).toBe(bytesOf(made.get(subject)));
    await erase('user:2', 'user:3');
    keys.forget(['user:2', 'user:3']);
    expect(await keys.toOpen(['user:2', 'user:3'])).toEqual(
      new Map([
        ['user:2', 'erased'],
        ['user:3', 'erased'],
      ]),
    );
    await keys.rememberStored();
    expect((await keys.toOpen(['user:2'])).get('user:2')).toBe('erased');
  });

  it('is not remembered from what was read while somebody was erased', async () => {
    await keysWith(written('a')).toSeal(['user:1']);
    const keys = keysWith(written('a'));
    const remembering = keys.rememberStored();
    keys.forget(['user:2']);
    await remembering;
    await erase('user:1');
    expect((await keys.toOpen(['user:1'])).get('user:1')).toBe('erased');
  });

  it('is stored before anybody gets it, in one commit with those of others that are needed meanwhile', async () => {
    const connect = jest.spyOn(pool, 'connect');
    const keys = keysWith(written('a'));
    const subjects = Array.from({ length: 40 }, (_, number) => `user:${number}`);
    const stored = await Promise.all(
      subjects.map(async (subject) => {
        const made = bytesOf((await keys.toSeal([subject, 'user:0'])).get(subject));
        const found = await keysWith(written('a')).stored([subject], pool);
        return bytesOf(found.get(subject)) === made;
      }),
    );
    const transactions = connect.mock.calls.filter((given: unknown[]) => given.length === 0).length;
    connect.mockRestore();
    expect(stored).toEqual(subjects.map(() => true));
    expect(transactions).toBeLessThanOrEqual(2);
  });

  it('is not given to anybody where it could not be stored, and is made by the next try', async () => {
    const keys = keysWith(written('a'));
    await pool.query(`alter table subject_key add constraint refused check (subject <> 'user:1')`);
    const tries = await Promise.allSettled([keys.toSeal(['user:1']), keys.toSeal(['user:2'])]);
    await pool.query('alter table subject_key drop constraint refused');
    expect(tries.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const made = bytesOf((await keys.toSeal(['user:1'])).get('user:1'));
    expect(bytesOf((await keysWith(written('a')).toOpen(['user:1'])).get('user:1'))).toBe(made);
  });

  it('is not stored as it is, nor of use to another person', async () => {
    const keys = keysWith(written('a'));
    const made = bytesOf((await keys.toSeal(['user:1'])).get('user:1'));
    const [row] = await rows(`select encode(wrapped_key, 'hex') as wrapped from subject_key`);
    expect(row!['wrapped']).not.toContain(made);
    await keys.toSeal(['user:2']);
    await pool.query(`update subject_key k set wrapped_key = o.wrapped_key from subject_key o
      where k.subject = 'user:2' and o.subject = 'user:1'`);
    await expect(keysWith(written('a')).toOpen(['user:2'])).rejects.toThrow(WrappingKeyRefused);
  });

  it('is told to be missing by its absence', async () => {
    expect((await keysWith(written('a')).toOpen(['user:1'])).size).toBe(0);
  });
});

describe('an erased person', () => {
  it('has no key any more, in any process that heard of it or asks for the first time', async () => {
    const keys = keysWith(written('a'));
    await keys.toSeal(['user:1', 'user:2']);
    const heard = counting();
    keys.onErasure(heard.call);
    await erase('user:1');
    keys.forget(['user:1']);
    for (const asked of [keys, keysWith(written('a'))]) {
      expect((await asked.toOpen(['user:1'])).get('user:1')).toBe('erased');
      expect((await asked.toSeal(['user:1'])).get('user:1')).toBe('erased');
      expect((await asked.toOpen(['user:2'])).get('user:2')).not.toBe('erased');
    }
    expect(heard.calls).toBe(1);
    keys.forget(['user:1']);
    expect(heard.calls).toBe(1);
    expect(await rows(`select wrapped_key, wrapping_key_id from subject_key where subject = 'user:1'`)).toEqual([
      { wrapped_key: null, wrapping_key_id: null },
    ]);
  });

  it('who never had a key never gets one', async () => {
    await erase('user:1');
    expect((await keysWith(written('a')).toSeal(['user:1'])).get('user:1')).toBe('erased');
  });

  it('is erased once: the time of it stays', async () => {
    await erase('user:1', 'user:1');
    const before = await rows('select * from subject_key');
    await erase('user:1');
    expect(await rows('select * from subject_key')).toEqual(before);
  });

  it('is not remembered by what was asked for before', async () => {
    const keys = keysWith(written('a'));
    await keys.toSeal(['user:1']);
    keys.forgetAll();
    const asked = keys.toOpen(['user:1']);
    await erase('user:1');
    keys.forgetAll();
    await asked;
    expect((await keys.toOpen(['user:1'])).get('user:1')).toBe('erased');
  });
});

describe('the wrapping key', () => {
  it('is replaced under every key, a batch at a time, and the old one is not needed any more', async () => {
    const subjects = Array.from({ length: 25 }, (_, number) => `user:${number}`);
    const made = await keysWith(written('old')).toSeal(subjects);
    await erase('user:3');
    const both = keysWith(written('new'), written('old'));
    expect(await both.countToRewrap()).toBe(24);
    expect(await both.rewrapSome(10)).toBe(10);
    expect(await both.rewrapSome(100)).toBe(14);
    expect(await both.rewrapSome(100)).toBe(0);
    expect(await both.countToRewrap()).toBe(0);
    const now = await keysWith(written('new')).toOpen(subjects);
    for (const subject of subjects) {
      if (subject === 'user:3') expect(now.get(subject)).toBe('erased');
      else expect(bytesOf(now.get(subject))).toBe(bytesOf(made.get(subject)));
    }
  });

  it('is refused at the start where a stored key was wrapped by one that is not configured, or is another', async () => {
    await keysWith(written('a')).toSeal(['user:1']);
    await keysWith(written('b')).toSeal(['user:2']);
    await keysWith(written('a'), written('b')).requireUsable();
    await expect(keysWith(written('a')).requireUsable()).rejects.toThrow(
      'wrapped by the key b, which PERSONAL_DATA_KEYS',
    );
    await expect(keysWith(written('b')).requireUsable()).rejects.toThrow(
      'wrapped by the key a, which PERSONAL_DATA_KEYS',
    );
    await expect(keysWith(written('a'), written('b', 'x')).requireUsable()).rejects.toThrow('the key b of PERSONAL');
  });

  it('may be any where there are no keys yet', async () => {
    await expect(keysWith(written('a')).requireUsable()).resolves.toBeUndefined();
  });
});

function counting(): { calls: number; call: () => void } {
  const counter = { calls: 0, call: (): void => void counter.calls++ };
  return counter;
}
