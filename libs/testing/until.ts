/** How long a test waits for what must come: it ends a test that hangs, and tells nothing of how fast things are. */
export const PATIENCE_MS = 60_000;

/**
 * Waits until a condition holds, by asking again and again; answers what the condition answered.
 *
 * @param condition holds when it answers anything but undefined or false; what it throws counts as "not yet"
 * @throws after `timeoutMs`, with the last thing the condition threw as cause
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  timeoutMs = PATIENCE_MS,
): Promise<Exclude<T, undefined | false>> {
  const deadline = Date.now() + timeoutMs;
  for (let cause: unknown; ;) {
    try {
      const result = await condition();
      if (result !== undefined && result !== false) return result as Exclude<T, undefined | false>;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${condition}`, { cause });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
