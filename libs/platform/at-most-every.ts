/**
 * Asks again only so many milliseconds after it asked last, and when that was answered: whoever comes meanwhile gets the
 * same answer.
 * @param monotonic milliseconds that only go forward
 */
export function atMostEvery<T>(
  ms: number,
  ask: () => Promise<T>,
  monotonic: () => number = () => performance.now(),
): () => Promise<T> {
  let last: { asked: number; underWay: boolean; answer: Promise<T> } | undefined;
  return () => {
    if (last && (last.underWay || monotonic() - last.asked < ms)) return last.answer;
    const asking = { asked: monotonic(), underWay: true, answer: ask() };
    last = asking;
    const answered = (): void => void (asking.underWay = false);
    asking.answer.then(answered, answered);
    return asking.answer;
  };
}
