import { LRUCache } from 'lru-cache';
import type { ClientBase, Pool } from 'pg';
import { Gathered, type Statements, type WrappingKey } from '../platform/core.js';
import { inTransaction } from '../platform/database.js';
import { DataKey } from './data-key.js';
import { KeyWrapping, type WrappedKey } from './key-wrapping.js';

/** The key of a person, or that it was destroyed. */
export type SubjectKey = DataKey | 'erased';
export type KeyRing = ReadonlyMap<string, SubjectKey>;

/** PostgreSQL channel on which the subjects are told whose keys are destroyed. */
export const ERASED_CHANNEL = 'personal_data_erased';

/** There is a sealed part, and no trace of its key: the table of keys is older than the log. */
export class SubjectKeyMissing extends Error {
  override readonly name = 'SubjectKeyMissing';
  constructor(subject: string) {
    super(
      `the key of the personal data of ${subject} is missing: the table subject_key is older than the event log; ` +
        'restore it from a later backup, or see: operator lost-keys',
    );
  }
}

type Subjects = readonly string[];
interface KeyRow {
  subject: string;
  wrappedKey: Buffer | null;
  wrappingKeyId: string | null;
  earlierLost: boolean;
}

/** Keys that are alike. */
interface KeysRow extends Pick<KeyRow, 'wrappingKeyId' | 'earlierLost'> {
  /** With a space between them. */
  subjects: string;
  /** One after the other, all of the same length. */
  wrappedKeys: Buffer | null;
}

const SELECT = `select subject, wrapped_key as "wrappedKey", wrapping_key_id as "wrappingKeyId",
  earlier_lost_at is not null as "earlierLost" from subject_key`;
/**
 * Rows of many keys: one for each key took a replay a fifth of what somebody new costs it. By name, as planning it took
 * as long as running it.
 */
const READ = {
  name: 'subject-keys',
  text: `select wrapping_key_id as "wrappingKeyId", earlier_lost_at is not null as "earlierLost",
      string_agg(subject, ' ') as subjects, string_agg(wrapped_key, '') as "wrappedKeys"
    from subject_key where subject = any($1) group by 1, 2, length(wrapped_key)`,
};
const CACHED_KEYS = 20_000;
const READS_AT_ONCE = 2;

/** The key of each person's personal fields: made when it is first needed, and gone once the person is erased. */
export class SubjectKeys {
  private readonly cache: LRUCache<string, SubjectKey | KeyRow>;
  private readonly wrapping: KeyWrapping;
  private readonly listeners = new Set<() => void>();
  private readonly reads = new Gathered((asked: readonly Subjects[]) => this.readAll(asked), READS_AT_ONCE);
  /** One after the other: those that are needed while one is under way share the next durable commit. */
  private readonly creations = new Gathered((asked: readonly Subjects[]) => this.createAll(asked), 1);
  /** Moves with every erasure: what was asked for before is not remembered. */
  private erasures = 0;

  constructor(
    private readonly pool: Pool,
    wrappingKeys: readonly [WrappingKey, ...WrappingKey[]],
    private readonly cachedKeys = CACHED_KEYS,
  ) {
    this.cache = new LRUCache({ max: cachedKeys });
    this.wrapping = new KeyWrapping(wrappingKeys);
  }

  /** Id of the key that new keys are wrapped with. */
  get wrappingKeyId(): string {
    return this.wrapping.currentId;
  }

  /** Keys to seal with, durable before they are used; of two processes that make one at once both get the same. */
  async toSeal(subjects: Iterable<string>): Promise<KeyRing> {
    const wanted = [...subjects];
    const keys = await this.toOpen(wanted);
    const missing = wanted.filter((subject) => !keys.has(subject));
    return missing.length === 0 ? keys : new Map([...keys, ...(await this.creations.ask(missing))]);
  }

  /** Keys to open with; a subject that has none is not among them. */
  async toOpen(subjects: Iterable<string>): Promise<KeyRing> {
    const keys = new Map<string, SubjectKey>();
    const unknown: string[] = [];
    for (const subject of subjects) {
      const key = this.remembered(subject);
      if (key) keys.set(subject, key);
      else unknown.push(subject);
    }
    if (unknown.length === 0) return keys;
    const read = await this.reads.ask(unknown);
    for (const subject of unknown) {
      const key = read.get(subject);
      if (key) keys.set(subject, key);
    }
    return keys;
  }

  /**
   * Remembers the keys that are stored, those of the latest persons first: who reads what was sealed before this process
   * began asks for none of them. They are unwrapped when they are needed.
   */
  async rememberStored(): Promise<void> {
    const before = this.erasures;
    // Ids follow the time.
    const { rows } = await this.pool.query<KeyRow>(
      `${SELECT} where wrapped_key is not null order by subject desc limit $1`,
      [this.cachedKeys],
    );
    if (before !== this.erasures) return;
    for (const row of rows.reverse()) if (!this.cache.has(row.subject)) this.cache.set(row.subject, row);
  }

  /** As they are stored for whom `client` is connected, such as in a transaction's snapshot. */
  async stored(subjects: readonly string[], client: Pick<ClientBase, 'query'>): Promise<KeyRing> {
    const { rows } = await client.query<KeysRow>({ ...READ, values: [subjects] });
    const keys = new Map<string, SubjectKey>();
    for (const row of rows) for (const key of keysOf(row)) keys.set(key.subject, this.keyOf(key));
    return keys;
  }

  /** From now on these can't be opened here, even if a transaction that destroys the key has yet to be committed. */
  forget(subjects: readonly string[]): void {
    const news = subjects.filter((subject) => this.cache.get(subject) !== 'erased');
    if (news.length === 0) return;
    this.erasures++;
    for (const subject of news) this.cache.set(subject, 'erased');
    for (const listener of this.listeners) listener();
  }

  /** Asks for everything anew: erasures may not have been heard of. */
  forgetAll(): void {
    this.erasures++;
    this.cache.clear();
    for (const listener of this.listeners) listener();
  }

  /** Told whenever something that was opened may have to be forgotten. */
  onErasure(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** @throws WrappingKeyRefused where a stored key can't be unwrapped; looks at one of each wrapping key */
  async requireUsable(): Promise<void> {
    const { rows } = await this.pool.query<KeyRow>(ONE_OF_EACH);
    for (const row of rows) this.keyOf(row);
  }

  /** Wraps keys anew that are not wrapped with the current key, a batch at a time. @returns how many were */
  async rewrapSome(limit: number): Promise<number> {
    return inTransaction(this.pool, async (client) => {
      const { rows } = await client.query<KeyRow>(
        `${SELECT} where wrapped_key is not null and wrapping_key_id <> $1 order by wrapping_key_id, subject
         limit $2 for update skip locked`,
        [this.wrapping.currentId, limit],
      );
      const wrapped = rows.map((row) => this.wrapping.wrap(row.subject, this.keyOf(row) as DataKey));
      await client.query(
        `update subject_key k set wrapped_key = n.key, wrapping_key_id = $3
         from unnest($1::text[], $2::bytea[]) n(subject, key) where k.subject = n.subject and k.wrapped_key is not null`,
        [rows.map(({ subject }) => subject), wrapped.map(({ wrappedKey }) => wrappedKey), this.wrapping.currentId],
      );
      return rows.length;
    });
  }

  /** How many keys are not wrapped with the current key. */
  async countToRewrap(): Promise<number> {
    const { rows } = await this.pool.query<{ count: number }>(
      'select count(*) from subject_key where wrapped_key is not null and wrapping_key_id <> $1',
      [this.wrapping.currentId],
    );
    return rows[0]!.count;
  }

  /** Makes keys in the place of those that are lost: what these sealed counts as erased. */
  async replaceLost(subjects: Subjects): Promise<void> {
    const made = new Map(subjects.map((subject) => [subject, DataKey.random()]));
    await this.insert(made);
    await this.pool.query(
      `update subject_key set earlier_lost_at = clock_timestamp() where subject = any($1) and erased_at is null`,
      [subjects],
    );
    this.forgetAll();
  }

  private remembered(subject: string): SubjectKey | undefined {
    const known = this.cache.get(subject);
    if (known === undefined || known === 'erased' || known instanceof DataKey) return known;
    const key = this.keyOf(known);
    this.cache.set(subject, key);
    return key;
  }

  private async readAll(asked: readonly Subjects[]): Promise<KeyRing[]> {
    const before = this.erasures;
    const keys = await this.stored([...new Set(asked.flat())], this.pool);
    this.remember(keys, before);
    return asked.map(() => keys);
  }

  private async createAll(asked: readonly Subjects[]): Promise<KeyRing[]> {
    const before = this.erasures;
    const made = new Map([...new Set(asked.flat())].map((s) => [s, DataKey.random()]));
    const stored = await this.insert(made);
    const keys = new Map<string, SubjectKey>(stored.map((subject) => [subject, made.get(subject)!]));
    this.remember(keys, before);
    const others = [...made.keys()].filter((subject) => !keys.has(subject));
    if (others.length > 0) for (const [subject, key] of await this.toOpen(others)) keys.set(subject, key);
    return asked.map(() => keys);
  }

  private remember(keys: KeyRing, erasuresBefore: number): void {
    if (erasuresBefore === this.erasures) for (const [subject, key] of keys) this.cache.set(subject, key);
  }

  /** @returns whose keys are these now: somebody else may have made one meanwhile, or it was destroyed */
  private async insert(made: ReadonlyMap<string, DataKey>): Promise<string[]> {
    const wrapped = [...made].map(([subject, key]) => this.wrapping.wrap(subject, key).wrappedKey);
    return inTransaction(this.pool, async (client) => {
      // What is sealed may be durable in another store before this database is.
      await client.query('set local synchronous_commit = on');
      const { rows } = await client.query<{ subject: string }>(
        `insert into subject_key (subject, wrapped_key, wrapping_key_id)
         select subject, key, $3 from unnest($1::text[], $2::bytea[]) n(subject, key) order by subject
         on conflict (subject) do nothing returning subject`,
        [[...made.keys()], wrapped, this.wrapping.currentId],
      );
      return rows.map(({ subject }) => subject);
    });
  }

  private keyOf({ subject, wrappedKey, wrappingKeyId, earlierLost }: KeyRow): SubjectKey {
    if (wrappedKey === null) return 'erased';
    const key = this.wrapping.unwrap(subject, { wrappedKey, wrappingKeyId } as WrappedKey);
    if (earlierLost) afterLoss.add(key);
    return key;
  }
}

function keysOf({ subjects, wrappedKeys, ...alike }: KeysRow): KeyRow[] {
  const each = subjects.split(' ');
  const length = (wrappedKeys?.length ?? 0) / each.length;
  return each.map((subject, index) => {
    const wrappedKey = wrappedKeys && wrappedKeys.subarray(index * length, (index + 1) * length);
    return { subject, wrappedKey, ...alike };
  });
}

/** Keys in the place of lost ones. */
const afterLoss = new WeakSet<DataKey>();

/** Whether what the key does not open was sealed with one that is lost, which is on the record. */
export function replacesLost(key: DataKey): boolean {
  return afterLoss.has(key);
}

const ONE_OF_EACH = `
  with recursive used(id) as (
    select min(wrapping_key_id) from subject_key where wrapped_key is not null
    union all
    select (select min(wrapping_key_id) from subject_key where wrapped_key is not null and wrapping_key_id > used.id)
    from used where used.id is not null)
  select one.* from used, lateral (
    ${SELECT} where wrapped_key is not null and wrapping_key_id = used.id order by subject limit 1) one`;

/** Destroys keys for good, in the caller's transaction; one that was never made never will be. */
export async function destroyKeys(client: Statements, subjects: readonly string[]): Promise<void> {
  if (subjects.length === 0) return;
  await client.query(
    `insert into subject_key (subject, erased_at) select unnest($1::text[]), clock_timestamp()
     on conflict (subject) do update set wrapped_key = null, wrapping_key_id = null, erased_at = excluded.erased_at
       where subject_key.erased_at is null`,
    [[...new Set(subjects)]],
  );
  await client.query(`select pg_notify('${ERASED_CHANNEL}', s) from unnest($1::text[]) s`, [subjects]);
}
