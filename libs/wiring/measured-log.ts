import { type EventLog, RevisionConflict } from '../event-store/index.js';
import { type Metrics, secondsSince, traced } from '../platform/index.js';

/** The log with another way to append. */
export function withAppend(log: EventLog, append: EventLog['append']): EventLog {
  return {
    append,
    readStream: (stream, fromRevision) => log.readStream(stream, fromRevision),
    readAll: (afterPosition, limit) => log.readAll(afterPosition, limit),
    head: () => log.head(),
    incarnation: () => log.incarnation(),
    follow: (options) => log.follow(options),
    close: () => log.close(),
  };
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
