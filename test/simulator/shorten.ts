import type { Simulated, SimulationOptions } from './simulator.js';

type Play = (options: SimulationOptions) => Promise<Simulated>;

const MOST_TRIES = 120;

/** Leaves out calls and faults, many at once and then fewer, as long as the same promise is broken without them. */
export async function shorten(play: Play, failed: Simulated, options: SimulationOptions): Promise<Simulated> {
  const promise = failed.violation!.promise;
  let shortest = failed;
  let tries = 0;
  const without = { skipped: new Set<number>(), suppressed: new Set<number>() };
  for (const [what, numbersOf] of [
    ['skipped', (simulated: Simulated) => simulated.made],
    ['suppressed', (simulated: Simulated) => simulated.taken],
  ] as const) {
    for (let size = Math.ceil(numbersOf(shortest).length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      const left = numbersOf(shortest).filter((number) => number >= 0);
      for (let start = 0; start < left.length && tries < MOST_TRIES; start += size) {
        const tried = { ...without, [what]: new Set([...without[what], ...left.slice(start, start + size)]) };
        tries++;
        const simulated = await play({ ...options, ...tried });
        if (simulated.violation?.promise !== promise) continue;
        Object.assign(without, tried);
        shortest = simulated;
      }
    }
  }
  return shortest;
}
