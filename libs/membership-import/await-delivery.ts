import type { Progress } from '../projections/index.js';

const STANDSTILL_MS = 15_000;

/** Resolves to whether a relay has delivered everything up to the position; false once it has not moved for a while. */
export async function awaitDelivery(
  progress: Progress,
  position: number,
  onDelivered?: (position: number) => void,
  standstillMs = STANDSTILL_MS,
): Promise<boolean> {
  if (progress.delivered >= position) return true;
  for (let before = progress.delivered; ; before = progress.delivered) {
    onDelivered?.(before);
    if (await progress.waitFor('delivered', position, standstillMs)) return true;
    if (progress.delivered === before) return false;
  }
}
