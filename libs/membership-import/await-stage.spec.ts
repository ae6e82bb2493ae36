import type { Progress, Stage } from '../projections/index.js';
import { awaitStage } from './await-stage.js';

/** A relay that is at the first of the positions, and at the next one after each wait. */
function relayAt(...positions: number[]): Progress {
  const progress = {
    delivered: positions[0]!,
    waitFor: async (_stage: Stage, position: number) => {
      positions.shift();
      progress.delivered = positions[0] ?? progress.delivered;
      return progress.delivered >= position;
    },
  };
  return progress as unknown as Progress;
}

describe('awaitStage', () => {
  const to = (position: number) => ({ stage: 'delivered' as const, position });

  it('goes on as long as the relay moves', async () => {
    const seen: number[] = [];
    expect(await awaitStage(relayAt(3, 5, 9), to(9), (position) => seen.push(position))).toBe(true);
    expect(seen).toEqual([3, 5]);
  });

  it('gives up on a relay that stands still', async () => {
    expect(await awaitStage(relayAt(3, 5, 5), to(9))).toBe(false);
  });

  it('does not wait for what is there', async () => {
    expect(await awaitStage(relayAt(9), to(9))).toBe(true);
  });
});
