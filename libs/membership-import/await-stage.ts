import type { Progress, Stage } from '../projections/index.js';

const STANDSTILL_MS = 15_000;

/** Resolves to whether the relay reaches the position; false once it has not moved for a while. */
export async function awaitStage(
  progress: Progress,
  { stage, position, standstillMs = STANDSTILL_MS }: { stage: Stage; position: number; standstillMs?: number },
  onMoved?: (position: number) => void,
): Promise<boolean> {
  for (let before = progress[stage]; before < position; before = progress[stage]) {
    onMoved?.(before);
    if (await progress.waitFor(stage, position, standstillMs)) return true;
    if (progress[stage] === before) return false;
  }
  return true;
}
