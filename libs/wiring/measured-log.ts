import { type EventLog, RevisionConflict } from '../event-store/index.js';
import { type Metrics, secondsSince, traced } from '../platform/index.js';

/** The log with another way to append, which may be replaced in turn like a method of its own. */
export function withAppend(log: EventLog, append: EventLog['append']): EventLog {
  const own: Pick<EventLog, 'append'> = Object.create({ append });
  return new Proxy(log, {
    get: (target, name) => {
      if (name === 'append') return own.append;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
    defineProperty: (target, name, attributes) =>
      Reflect.defineProperty(name === 'append' ? own : target, name, { configurable: true, ...attributes }),
    deleteProperty: (target, name) => Reflect.deleteProperty(name === 'append' ? own : target, name),
  });
}

/** The log, whose appends are measured and traced. */
export function withMetrics(log: EventLog, metrics: Metrics): EventLog {
  return withAppend(log, async (stream, expectedRevision, events) => {
    const start = performance.now();
    let outcome = 'failed';
    try {
      const about = { attributes: { events: events.length, type: events[0]?.type } };
      const appended = await traced('append', about, () => log.append(stream, expectedRevision, events));
      outcome = 'done';
      return appended;
    } catch (error) {
      if (error instanceof RevisionConflict) outcome = 'conflict';
      throw error;
    } finally {
      metrics.appends.observe({ outcome }, secondsSince(start));
    }
  });
}
