import type { StoredEvent } from '../event-store/index.js';

/** It can't begin as things are. */
export class ReplayRefused extends Error {
  override readonly name = 'ReplayRefused';
}

/** Events can't be folded. What was folded before is kept: the next replay goes on from there. */
export class ReplayFailed extends Error {
  override readonly name = 'ReplayFailed';
  constructor(
    readonly events: readonly StoredEvent[],
    override readonly cause: Error,
  ) {
    const [{ type, id, position } = { type: 'none', id: '', position: -1 }] = events;
    super(
      `the event ${type} (${id}) at position ${position} can't be folded: ${cause.message}. ` +
        'Run a version of Countersign that can; the replay goes on from there.',
    );
  }
}
