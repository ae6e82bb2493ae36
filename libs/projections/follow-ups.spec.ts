import type { CommandBus } from '@nestjs/cqrs';
import type { DomainEvent, Recorded } from '../event-store/index.js';
import { anEvent } from '../testing/event-builders.js';
import { FollowUps } from './follow-ups.js';
import { process } from './noun.js';

type Happened = DomainEvent<'happened.v1', { what: string }>;

const event = { ...anEvent({ type: 'happened.v1', data: { what: 'a' } }), stream: 's', revision: 0, position: 7 };
const happened = event as unknown as Recorded<Happened>;

function world(once: readonly 'happened.v1'[] = ['happened.v1']) {
  const sent: string[] = [];
  const trouble = new Set<string>();
  const bus = {
    execute: async ({ name }: { name: string }) => {
      sent.push(name);
      if (trouble.has(name)) throw new Error(name);
      return { position: 9 };
    },
  } as unknown as CommandBus;
  const named = (name: string) =>
    process<Happened>({
      name,
      once,
      followUps: { 'happened.v1': () => [() => ({ name }), () => ({ name: `${name}, too` })] },
    });
  return { sent, trouble, followUps: new FollowUps(bus, [named('first'), named('second')]) };
}

const ALL = ['first', 'first, too', 'second', 'second, too'];

describe('what follows from an event', () => {
  it('that is complete once it went well is not repeated by the relay of the same process', async () => {
    const { sent, followUps } = world();
    expect(await followUps.run([happened], 7)).toBe(9);
    expect(await followUps.runEach(happened)).toEqual([]);
    expect(sent).toEqual(ALL);
  });

  it('is not begun by the relay while the call that caused it is at it', async () => {
    const { sent, followUps } = world();
    const [position, failures] = await Promise.all([followUps.run([happened], 7), followUps.runEach(happened)]);
    expect([position, failures]).toEqual([9, []]);
    expect(sent).toEqual(ALL);
  });

  it('is done by the relay where the call that was at it fails', async () => {
    const { sent, trouble, followUps } = world();
    trouble.add('second');
    const [call, failures] = await Promise.allSettled([followUps.run([happened], 7), followUps.runEach(happened)]);
    expect(call).toMatchObject({ status: 'rejected', reason: new Error('second') });
    expect(failures).toMatchObject({ value: [new Error('second')] });
    expect(sent).toEqual(['first', 'first, too', 'second', 'first', 'first, too', 'second']);
  });

  it('is repeated by the relay where a process does not say that once is enough', async () => {
    const { sent, followUps } = world([]);
    await followUps.run([happened], 7);
    await followUps.runEach(happened);
    expect(sent).toEqual([...ALL, ...ALL]);
  });

  it('is repeated by the relay of another process, and after a restart', async () => {
    const [one, other] = [world(), world()];
    await one.followUps.run([happened], 7);
    await other.followUps.runEach(happened);
    expect(other.sent).toEqual(ALL);
  });

  it('is repeated where a part of it failed, each process as far as it goes', async () => {
    const { sent, trouble, followUps } = world();
    trouble.add('first');
    await expect(followUps.run([happened], 7)).rejects.toThrow('first');
    expect(await followUps.runEach(happened)).toEqual([new Error('first')]);
    expect(sent).toEqual(['first', 'first', 'second', 'second, too']);
    trouble.clear();
    expect(await followUps.runEach(happened)).toEqual([]);
    expect(sent.slice(4)).toEqual(ALL);
  });
});
