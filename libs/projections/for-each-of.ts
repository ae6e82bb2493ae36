import type { Positioned } from './follow-ups.js';

const AT_ONCE = 20;

/**
 * Does the same for each of many, a few at a time.
 * @returns the furthest position that any of it came to, and at least `position`
 */
export async function forEachOf<Item>(
  items: readonly Item[],
  position: number,
  act: (item: Item) => Promise<Positioned>,
): Promise<Positioned> {
  let furthest = position;
  for (let done = 0; done < items.length; done += AT_ONCE) {
    const reached = await Promise.all(items.slice(done, done + AT_ONCE).map(act));
    furthest = Math.max(furthest, ...reached.map((each) => each.position));
  }
  return { position: furthest };
}
