import { someEvents } from '../testing/event-builders.js';
import { appendSurely, checkpointAt, type ContractWorld, type Following } from './contract-world.js';
import { LogRestored, NO_STREAM, type EventLog, type StoredEvent } from './event-log.js';

export function itNoticesRestoredLogs(world: ContractWorld): void {
  it('when it is shorter than the checkpoint', async () => {
    const log = await world.open();
    const stored = await appendSome(world, log);
    await restoreTo(world, stored[1]!);
    await expect(endOf(world.follow(log, { after: checkpointAt(stored[4]!) }))).rejects.toBeInstanceOf(LogRestored);
  });

  it('when other events were written where the checkpoint was', async () => {
    const log = await world.open();
    const stored = await appendSome(world, log);
    await restoreTo(world, stored[1]!);
    const { position } = await appendSurely(log, world.newStream(), NO_STREAM, someEvents(20));
    expect(position).toBeGreaterThan(stored[4]!.position);
    await expect(endOf(world.follow(log, { after: checkpointAt(stored[4]!) }))).rejects.toBeInstanceOf(LogRestored);
  });

  it('when it happens under a follower', async () => {
    const log = await world.open();
    const stored = await appendSome(world, log);
    const following = world.follow(log, { after: checkpointAt(stored[0]!) });
    await following.untilSeen(stored.slice(1));
    await restoreTo(world, stored[1]!);
    await appendSurely(log, world.newStream(), NO_STREAM, someEvents(20));
    await expect(endOf(following)).rejects.toBeInstanceOf(LogRestored);
  });

  it('but not when the checkpoint was before the cut', async () => {
    const log = await world.open();
    const stored = await appendSome(world, log);
    await restoreTo(world, stored[3]!);
    const different = someEvents(3);
    await appendSurely(log, world.newStream(), NO_STREAM, different);
    const following = world.follow(log, { after: checkpointAt(stored[1]!) });
    await following.untilSeen(different);
    expect(following.seen.slice(0, 2)).toEqual([stored[2], stored[3]]);
  });
}

async function appendSome(world: ContractWorld, log: EventLog): Promise<StoredEvent[]> {
  const stream = world.newStream();
  for (const [index, event] of someEvents(6).entries()) await appendSurely(log, stream, index - 1, [event]);
  return log.readStream(stream);
}

async function restoreTo(world: ContractWorld, event: StoredEvent): Promise<void> {
  if (!world.store.restoreEarlier) throw new Error('this harness cannot restore; say so in its capabilities');
  await world.store.restoreEarlier(event.position);
}

function endOf(following: Following): Promise<void> {
  return following.ended;
}
