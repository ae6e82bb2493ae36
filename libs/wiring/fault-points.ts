import type { EventLog } from '../event-store/index.js';
import { withAppend } from './measured-log.js';

/** Where a test may stop, delay or kill a process. */
export type FaultPoint =
  | 'before-append'
  | 'after-append'
  | 'before-follow-up'
  | 'in-transaction'
  | 'after-commit'
  | 'before-delivery'
  | 'after-delivery';
export type FaultHook = (point: FaultPoint) => void | Promise<void>;

/** The log with fault points around its appends. */
export function withFaultPoints(log: EventLog, at: FaultHook): EventLog {
  const append: EventLog['append'] = async (stream, expectedRevision, events) => {
    await at('before-append');
    const appended = await log.append(stream, expectedRevision, events);
    await at('after-append');
    return appended;
  };
  return withAppend(log, append);
}
