import { SpiceDbUnavailable } from '../../libs/authorization/index.js';
import { AppendTooLarge, EventLogUnavailable } from '../../libs/event-store/index.js';
import { SubjectKeyMissing, WrappingKeyRefused } from '../../libs/personal-data/index.js';
import { Refused } from '../../libs/platform/index.js';

/** What the stores throw, as the answer to a caller. */
export function translateError(error: unknown): Refused | undefined {
  if (error instanceof SpiceDbUnavailable) return new Refused('dependency-unavailable', 'SpiceDB');
  if (error instanceof EventLogUnavailable) return new Refused('dependency-unavailable', 'the event store');
  if (error instanceof SubjectKeyMissing || error instanceof WrappingKeyRefused) {
    return new Refused('dependency-unavailable', 'the keys of personal data');
  }
  if (error instanceof AppendTooLarge) return new Refused('payload-too-large');
  return undefined;
}
