/** Works on all items, so many at once; after a failure or an abort it starts no more, and waits for what runs. */
export async function inParallel<T>(
  items: readonly T[],
  { atOnce, signal }: { atOnce: number; signal?: AbortSignal },
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failure: { error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failure) {
      try {
        signal?.throwIfAborted();
        await work(items[next++]!);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (failure) throw failure.error;
}
