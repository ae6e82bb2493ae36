import { randomUUID } from 'node:crypto';
import { type Answered, done, key } from './world.js';

export type KeyedCall = (headers: Record<string, string>) => Promise<Answered>;

/** Calls twice with one key, with `between` in between: the same answer, and nothing more in the log. */
export async function calledTwice(
  countEvents: () => Promise<number>,
  call: KeyedCall,
  between: () => Promise<unknown> = async () => undefined,
): Promise<Answered> {
  const headers = key(randomUUID());
  const first = await done(call(headers));
  await between();
  const before = await countEvents();
  const second = await call(headers);
  expect({ status: second.status, body: second.body }).toEqual({ status: first.status, body: first.body });
  // To the letter: a caller may compare the texts.
  expect(JSON.stringify(second.body)).toBe(JSON.stringify(first.body));
  for (const name of ['etag', 'consistency-token']) expect(second.headers.get(name)).toBe(first.headers.get(name));
  expect(await countEvents()).toBe(before);
  return first;
}
