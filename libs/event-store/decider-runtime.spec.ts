import { anEvent } from '../testing/event-builders.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { systemIds } from '../platform/core.js';
import type { CommandContext } from './command-context.js';
import { DeciderRuntime, type Execution, type Outcome } from './decider-runtime.js';
import type { Decider, Decision, DomainEvent } from './domain-event.js';
import { BEFORE_START, type EventLog, EventLogUnavailable, NO_STREAM, RevisionConflict } from './event-log.js';
import { EventRegistry, UnknownEventType } from './event-registry.js';
import { openEventLog } from './open-event-log.js';

type Counted = DomainEvent<'counted.v1', { by: number }>;

const counter: Decider<number, Counted> = {
  name: 'counter',
  initial: 0,
  evolve: (sum, { data: { by } }) => sum + by,
};
const registry = new EventRegistry([{ name: 'counters', types: { 'counted.v1': 'Something was counted.' } }]);
const counted = (by: number): Counted => ({ type: 'counted.v1', data: { by } });

let database: TestDatabase;
let log: EventLog;
let runtime: DeciderRuntime;
let stream: string;

beforeAll(async () => {
  database = await createTestDatabase();
  log = await openEventLog({ databaseUrl: database.url });
});

afterAll(async () => {
  await log?.close();
  await database?.drop();
});

beforeEach(() => {
  runtime = new DeciderRuntime(log, registry);
  stream = `counter-${systemIds.uuid()}`;
});

function context(commandId = systemIds.uuid()): CommandContext {
  return {
    ...{ commandId, actor: { type: 'user', id: 'U' }, authentication: 'token' },
    ...{ correlationId: 'c', causationId: null, at: '2026-01-01T00:00:00.000Z' },
  };
}

function count(
  decide: (sum: number) => Decision<Counted>,
  { by = runtime, commandId, on = stream }: { by?: DeciderRuntime; commandId?: string; on?: string } = {},
): Promise<Outcome<number, Counted>> {
  const execution: Execution<number, Counted> = {
    ...{ stream: on, decider: counter, tenantId: null, context: context(commandId), decide },
  };
  return by.execute(execution);
}
const told = ({ state, revision, position, events }: Outcome<number, Counted>) => ({
  state,
  revision,
  position,
  events,
});
const add = (by: number) => () => [counted(by)];
/** A log that does something else in one of its calls. */
function except(change: Partial<EventLog>): EventLog {
  return new Proxy(log, {
    get: (target, name) => {
      const member: unknown = Reflect.get(change, name) ?? Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

describe('a stream that is not there', () => {
  const reading = () => {
    let reads = 0;
    const watched = except({
      readStream: (name: string, from?: number) => {
        reads++;
        return log.readStream(name, from);
      },
    });
    return { by: new DeciderRuntime(watched, registry), reads: () => reads };
  };

  it('is looked for once: the append itself proves that it still is not', async () => {
    const { by, reads } = reading();
    expect(await by.load(stream, counter)).toMatchObject({ state: 0, revision: NO_STREAM });
    expect(await count(add(2), { by })).toMatchObject({ state: 2, revision: 0 });
    expect(reads()).toBe(1);
  });

  it('and comes to be elsewhere in the meantime is decided on as it is then', async () => {
    const { by } = reading();
    await by.load(stream, counter);
    await count(add(5));
    expect(
      await count((sum) => (sum === 0 ? [counted(1)] : { refused: 'there-already' }), { by }).catch((e) => e),
    ).toMatchObject({
      code: 'there-already',
    });
    expect(await count(add(1), { by })).toMatchObject({ state: 6, revision: 1 });
  });

  it('is not refused, nor left as it is, without another look', async () => {
    const { by, reads } = reading();
    await by.load(stream, counter);
    await count(add(5));
    expect(await count((sum) => (sum === 0 ? { refused: 'absent' } : []), { by })).toMatchObject({
      state: 5,
      events: [],
    });
    expect(reads()).toBe(2);
  });

  it('and was made by the same command elsewhere answers with what that did', async () => {
    const { by } = reading();
    const commandId = systemIds.uuid();
    await by.load(stream, counter);
    const first = await count(add(5), { commandId });
    expect(told(await count(add(5), { by, commandId }))).toEqual(told(first));
  });
});

describe('a command', () => {
  it('is decided on the state of its stream, and answers with what it made of it', async () => {
    expect(await count(add(2))).toMatchObject({ state: 2, revision: 0, events: [{ data: { by: 2 }, revision: 0 }] });
    const outcome = await count((sum) => [counted(sum), counted(1)]);
    expect(outcome).toMatchObject({ state: 5, revision: 2, events: [{ revision: 1 }, { revision: 2 }] });
    expect(await runtime.load(stream, counter)).toMatchObject({ state: 5, revision: 2, position: outcome.position });
    expect(await runtime.load('counter-nothing', counter)).toMatchObject({
      state: 0,
      revision: NO_STREAM,
      position: BEFORE_START,
    });
  });

  it('TW-030 that makes an event of an unknown type stores nothing, and one that is stored is not read', async () => {
    await count(add(2));
    const unheard = { ...counted(1), type: 'unheard-of.v1' } as unknown as Counted;
    await expect(count(() => [counted(1), unheard])).rejects.toThrow(UnknownEventType);
    expect(await log.readStream(stream)).toHaveLength(1);
    expect(await count(add(1))).toMatchObject({ state: 3, revision: 1 });
    await log.append(stream, 1, [anEvent({ type: 'unheard-of.v1' })]);
    await expect(new DeciderRuntime(log, registry).load(stream, counter)).rejects.toThrow(UnknownEventType);
  });

  it('that has nothing to do appends nothing', async () => {
    await count(add(2));
    expect(await count(() => [])).toMatchObject({ state: 2, revision: 0, events: [] });
    expect(await log.readStream(stream)).toHaveLength(1);
  });

  it('that is refused says why', async () => {
    const refused = count(() => ({ refused: 'conflict', detail: 'no', field: 'by', extra: { sum: 1 } }));
    await expect(refused).rejects.toMatchObject({ name: 'Refused', code: 'conflict', extra: { field: 'by', sum: 1 } });
    expect(await log.readStream(stream)).toEqual([]);
  });

  it('is decided one after the other within a process, without conflicts', async () => {
    let decisions = 0;
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () =>
        count((sum) => {
          decisions++;
          return [counted(sum + 1)];
        }),
      ),
    );
    expect(outcomes.map(({ revision }) => revision)).toEqual([...outcomes.keys()]);
    expect(decisions).toBe(20);
  });
});

describe('another process that writes to the stream', () => {
  it('is noticed when this one appends: it decides again on what there is', async () => {
    const other = new DeciderRuntime(log, registry);
    await count(add(1));
    await count(add(10), { by: other });
    const seen: number[] = [];
    const outcome = await count((sum) => {
      seen.push(sum);
      return [counted(sum)];
    });
    expect(seen).toEqual([1, 11]);
    expect(outcome).toMatchObject({ state: 22, revision: 2 });
  });

  it('is noticed before anything is refused, or found to be nothing', async () => {
    const other = new DeciderRuntime(log, registry);
    await count(add(1));
    await count(add(10), { by: other });
    expect(await count((sum) => (sum === 1 ? { refused: 'conflict' } : [counted(0)]))).toMatchObject({ state: 11 });
    await count(add(10), { by: other });
    expect(await count((sum) => (sum === 11 ? [] : [counted(0)]))).toMatchObject({ state: 21 });
  });

  it('again and again is refused in the end', async () => {
    const append = (): Promise<never> => Promise.reject(new RevisionConflict(stream, 0, 1));
    const contended = new DeciderRuntime(except({ append }), registry);
    await expect(count(add(1), { by: contended })).rejects.toMatchObject({ code: 'too-much-contention' });
  });
});

describe('P1 P2 a command that is repeated', () => {
  it('has one effect and its first outcome, whatever happened since and whoever is asked', async () => {
    const commandId = systemIds.uuid();
    const first = await count(add(1), { commandId });
    await count(add(10));
    for (const by of [runtime, new DeciderRuntime(log, registry)]) {
      expect(await count(() => ({ refused: 'conflict' }), { by, commandId })).toMatchObject(told(first));
    }
    expect(await log.readStream(stream)).toHaveLength(2);
  });

  it('has one effect where its first outcome was not told', async () => {
    const commandId = systemIds.uuid();
    const append: EventLog['append'] = async (...args) => {
      await log.append(...args);
      throw new EventLogUnavailable('the answer was lost');
    };
    const unlucky = new DeciderRuntime(except({ append }), registry);
    await expect(count(add(1), { by: unlucky, commandId })).rejects.toThrow(EventLogUnavailable);
    for (const by of [unlucky, runtime]) {
      expect(await count(add(1), { by, commandId })).toMatchObject({
        state: 1,
        revision: 0,
        events: [{ data: { by: 1 } }],
      });
    }
    expect(await log.readStream(stream)).toHaveLength(1);
  });

  it('has one effect when it is sent many times at once, also to several processes', async () => {
    const commandId = systemIds.uuid();
    const runtimes = [runtime, new DeciderRuntime(log, registry), new DeciderRuntime(log, registry)];
    const outcomes = await Promise.all([...runtimes, ...runtimes].map((by) => count(add(1), { by, commandId })));
    for (const outcome of outcomes) expect(told(outcome)).toEqual(told(outcomes[0]!));
    expect(await log.readStream(stream)).toHaveLength(1);
  });

  it('on another stream stores other event ids', async () => {
    const commandId = systemIds.uuid();
    const [one] = (await count(add(1), { commandId })).events;
    const [other] = (await count(add(1), { commandId, on: `${stream}-other` })).events;
    expect(one!.metadata.commandId).toBe(other!.metadata.commandId);
    expect(one!.id).not.toBe(other!.id);
  });

  it('is found by its id, where it did something', async () => {
    const commandId = systemIds.uuid();
    expect(await runtime.repeated(stream, counter, commandId)).toBeUndefined();
    const first = await count(add(1), { commandId });
    await count(add(10));
    expect(await new DeciderRuntime(log, registry).repeated(stream, counter, commandId)).toMatchObject(told(first));
    expect(await runtime.repeated(stream, counter, systemIds.uuid())).toBeUndefined();
  });
});

describe('an earlier state', () => {
  it('is that right after a command, or the present one where the command did nothing', async () => {
    const commandId = systemIds.uuid();
    await count(add(1));
    const { position } = await count(add(2), { commandId });
    expect(await runtime.asOf(stream, counter, commandId)).toMatchObject({ state: 3, revision: 1, position });
    await count(add(10));
    expect(await runtime.asOf(stream, counter, commandId)).toMatchObject({ state: 3, revision: 1, position });
    expect(await runtime.asOf(stream, counter, systemIds.uuid())).toMatchObject({ state: 13, revision: 2 });
  });

  it('is that at a position of the log', async () => {
    const before = await log.head();
    const first = await count(add(1));
    await count(add(5), { on: `${stream}-other` });
    const second = await count(add(2));
    const at = (position: number) => runtime.at(stream, counter, position);
    expect(await at(before)).toMatchObject({ state: 0, revision: NO_STREAM, position: BEFORE_START });
    expect(await at(first.position)).toMatchObject({ state: 1, revision: 0, position: first.position });
    expect(await at(second.position - 1)).toMatchObject({ state: 1, revision: 0, position: first.position });
    expect(await at(second.position)).toMatchObject({ state: 3, revision: 1, position: second.position });
    expect(await at(second.position + 100)).toMatchObject({ state: 3 });
  });
});

describe('commands on the log as it stood', () => {
  const nothingUnless = (expected: number) => (sum: number) => (sum === expected ? [] : [counted(1)]);

  it('find what was there then, in this stream and in others', async () => {
    const other = `${stream}-other`;
    const { position } = await count(add(1));
    await count(add(2));
    await count(add(3), { on: other });
    const then = await runtime.asItStood(position, async () => [
      (await count(nothingUnless(1))).state,
      (await runtime.load(stream, counter)).state,
      (await runtime.load(other, counter)).state,
    ]);
    expect(then).toEqual([1, 1, 0]);
    expect((await runtime.load(stream, counter)).state).toBe(3);
  });

  it('put nothing into it', async () => {
    const { position } = await count(add(1));
    await count(add(2));
    const refused = runtime.asItStood(position, () => count(add(4)));
    await expect(refused).rejects.toMatchObject({ code: 'idempotency-key-reused' });
    expect((await runtime.load(stream, counter)).state).toBe(3);
  });

  it('are told from those that put something into it', async () => {
    expect(await runtime.watch(async () => (await count(add(1))).state)).toEqual({ result: 1, acted: true });
    expect(await runtime.watch(async () => (await count(nothingUnless(1))).state)).toEqual({ result: 1, acted: false });
    const commandId = systemIds.uuid();
    await count(add(1), { commandId });
    const repeated = await runtime.watch(async () => (await count(nothingUnless(1), { commandId })).state);
    expect(repeated).toEqual({ result: 2, acted: true });
  });
});
