import { randomUUID } from 'node:crypto';
import { anEvent, someEvents } from '../testing/event-builders.js';
import type { ContractWorld } from './contract-world.js';
import { AppendTooLarge, NO_STREAM, RevisionConflict, type EventToAppend } from './event-log.js';

const idsOf = (events: readonly { id: string }[]): string[] => events.map(({ id }) => id);

export function itAppends(world: ContractWorld): void {
  it('appends to a stream that does not exist and then at its exact revision', async () => {
    const log = await world.open();
    const stream = world.newStream();
    const first = await log.append(stream, NO_STREAM, [anEvent()]);
    const second = await log.append(stream, first.revision, [anEvent()]);
    expect([first.revision, second.revision]).toEqual([0, 1]);
    expect(second.position).toBeGreaterThan(first.position);
  });

  it('answers with the revision and position of the last event, as they are read back', async () => {
    const log = await world.open();
    const stream = world.newStream();
    const single = await log.append(stream, NO_STREAM, [anEvent()]);
    const multiple = await log.append(stream, 0, someEvents(5));
    const read = await log.readStream(stream);
    expect(single).toEqual({ revision: 0, position: read[0]?.position });
    expect(multiple).toEqual({ revision: 5, position: read[5]?.position });
    expect(await world.readOurs(log, single.position)).toEqual(read.slice(1));
  });
}

export function itAppendsInOrder(world: ContractWorld): void {
  it('stores the events of one append together and in their order', async () => {
    const log = await world.open();
    const stream = world.newStream();
    const appends = Array.from({ length: 6 }, () => someEvents(4));
    const racers = appends.map((events, index) => log.append(stream, index * 4 - 1, events));
    await Promise.allSettled(racers);
    const read = await log.readStream(stream);
    const stored = appends.filter(([first]) => read.some(({ id }) => id === first?.id));
    expect(idsOf(read)).toEqual(stored.flatMap(idsOf));
    expect(read.map(({ revision }) => revision)).toEqual(read.map((_, index) => index));
  });

  it('keeps the order of calls to one stream that are not awaited', async () => {
    const log = await world.open();
    const stream = world.newStream();
    const events = someEvents(20);
    const appended = await Promise.all(events.map((event, index) => log.append(stream, index - 1, [event])));
    expect(appended.map(({ revision }) => revision)).toEqual(events.map((_, index) => index));
    expect(idsOf(await log.readStream(stream))).toEqual(idsOf(events));
  });

  it('accepts the same event ids in another stream', async () => {
    const log = await world.open();
    const [one, other] = [world.newStream(), world.newStream()];
    const events = someEvents(2);
    await log.append(one, NO_STREAM, events);
    expect(await log.append(other, NO_STREAM, events)).toMatchObject({ revision: 1 });
    expect(idsOf(await log.readStream(other))).toEqual(idsOf(events));
  });
}

export function itChecksRevisions(world: ContractWorld): void {
  it.each([
    { expected: NO_STREAM, written: 3, actual: 2 },
    { expected: 0, written: 3, actual: 2 },
    { expected: 5, written: 3, actual: 2 },
    { expected: 0, written: 0, actual: NO_STREAM },
  ])('refuses expectation $expected after $written events and names the actual $actual', async (given) => {
    const log = await world.open();
    const stream = world.newStream();
    if (given.written > 0) await log.append(stream, NO_STREAM, someEvents(given.written));
    const refused = log.append(stream, given.expected, [anEvent()]);
    await expect(refused).rejects.toBeInstanceOf(RevisionConflict);
    await expect(refused).rejects.toMatchObject({ stream, expected: given.expected, actual: given.actual });
    expect(await log.readStream(stream)).toHaveLength(given.written);
  });

  it('lets exactly one of 64 writers with the same expectation win', async () => {
    const clients = [await world.open(), await world.open()];
    const stream = world.newStream();
    const racers = someEvents(64).map((event, index) => clients[index % 2]!.append(stream, NO_STREAM, [event]));
    const outcomes = await Promise.allSettled(racers);
    const losers = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(losers).toHaveLength(63);
    for (const { reason } of losers) expect(reason).toMatchObject({ name: 'RevisionConflict', actual: 0 });
    expect(await clients[0]!.readStream(stream)).toHaveLength(1);
  });
}

export function itRepeats(world: ContractWorld): void {
  it('answers a repeat as the first time, also after later writes', async () => {
    const log = await world.open();
    const stream = world.newStream();
    const [created, changed] = [someEvents(2), someEvents(3)];
    const first = await log.append(stream, NO_STREAM, created);
    const second = await log.append(stream, 1, changed);
    expect(await log.append(stream, NO_STREAM, created)).toEqual(first);
    await log.append(stream, 4, someEvents(2));
    expect(await log.append(stream, NO_STREAM, created)).toEqual(first);
    expect(await log.append(stream, 1, changed)).toEqual(second);
    expect(await log.readStream(stream)).toHaveLength(7);
  });

  it('answers repeats that race with each other alike and stores the events once', async () => {
    const clients = [await world.open(), await world.open()];
    const stream = world.newStream();
    const events = someEvents(3);
    const racers = Array.from({ length: 20 }, (_, index) => clients[index % 2]!.append(stream, NO_STREAM, events));
    const answers = await Promise.all(racers);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await clients[0]!.readStream(stream)).toHaveLength(3);
  });

  it('refuses a repeat that overlaps only partly, or with another expectation', async () => {
    const log = await world.open();
    const stream = world.newStream();
    const [a, b] = [anEvent(), anEvent()];
    await log.append(stream, NO_STREAM, [a, b]);
    for (const events of [[a, anEvent()], [anEvent(), b], [b, a], [a, b, anEvent()], [b]]) {
      await expect(log.append(stream, NO_STREAM, events)).rejects.toMatchObject({
        name: 'RevisionConflict',
        actual: 1,
      });
    }
    await expect(log.append(stream, 0, [a, b])).rejects.toMatchObject({ name: 'RevisionConflict', actual: 1 });
    expect(idsOf(await log.readStream(stream))).toEqual([a.id, b.id]);
  });
}

export function itRefuses(world: ContractWorld): void {
  const refusals: [what: string, events: EventToAppend[]][] = [
    ['no events', []],
    ['an id that is not a UUID', [anEvent({ id: '01J8Z6X0T3N4N5P6Q7R8S9T0V1' })]],
    ['one id twice', Array<EventToAppend>(2).fill(anEvent())],
    ['a BigInt', [anEvent({ data: { amount: 1n } })]],
    ['a NUL character', [anEvent({ data: { name: 'a\u0000b' } })]],
    ['half a surrogate pair', [anEvent({ personal: { name: 'a\ud83d' } })]],
  ];

  it.each(refusals)('refuses %s as the mistake of its caller, before anything is sent', async (_what, events) => {
    const log = await world.open();
    const stream = world.newStream();
    await expect(log.append(stream, NO_STREAM, events)).rejects.toBeInstanceOf(TypeError);
    expect(await log.append(stream, NO_STREAM, [anEvent()])).toMatchObject({ revision: 0 });
  });

  it('refuses more than 1 MiB in one append, counted over all its events', async () => {
    const log = await world.open();
    const stream = world.newStream();
    const third = anEvent({ data: { text: 'x'.repeat(350_000) } });
    const tooLarge = [third, { ...third, id: randomUUID() }, { ...third, id: randomUUID() }];
    await expect(log.append(stream, NO_STREAM, tooLarge)).rejects.toBeInstanceOf(AppendTooLarge);
    expect(await log.readStream(stream)).toEqual([]);
    expect(await log.append(stream, NO_STREAM, tooLarge.slice(1))).toMatchObject({ revision: 1 });
  });
}
