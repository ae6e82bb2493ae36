import type { EventLog } from '../../libs/event-store/index.js';

/** The log, telling of every reading from its start how far it is. */
export async function watchedLog(log: EventLog, onRead: (position: number, head: number) => void): Promise<EventLog> {
  const head = await log.head();
  const readAll: EventLog['readAll'] = async (after, limit) => {
    const events = await log.readAll(after, limit);
    onRead(events.at(-1)?.position ?? head, head);
    return events;
  };
  return new Proxy(log, {
    get: (target, name) => {
      if (name === 'readAll') return readAll;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
