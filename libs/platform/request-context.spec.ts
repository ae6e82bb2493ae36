import { acceptedCorrelationId, ContextValue, correlationId, requestContext, runInContext } from './request-context.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('the context of a call', () => {
  it('is seen by everything the call starts, and by nothing else', async () => {
    const context = { correlationId: 'c-1', clientAddress: '192.0.2.1' };
    const other = { correlationId: 'c-2', clientAddress: null };
    const seen = await Promise.all([
      runInContext(context, async () => {
        await Promise.resolve();
        return requestContext();
      }),
      runInContext(other, () => Promise.resolve().then(requestContext)),
    ]);
    expect(seen).toEqual([context, other]);
    expect(requestContext()).toBeUndefined();
  });

  it('gives the correlation id, and a new one outside of any call', () => {
    expect(runInContext({ correlationId: 'c-1', clientAddress: null }, correlationId)).toBe('c-1');
    expect(correlationId()).toMatch(UUID);
  });

  it('has values beside it for what some of its work starts', async () => {
    const [one, other] = [new ContextValue<string>(), new ContextValue<string>()];
    const seen = () => [one.get(), other.get(), requestContext()?.correlationId];
    await runInContext({ correlationId: 'c-1', clientAddress: null }, async () => {
      const inner = one.run('a', () => other.run('b', () => Promise.resolve().then(seen)));
      expect(seen()).toEqual([undefined, undefined, 'c-1']);
      expect(await inner).toEqual(['a', 'b', 'c-1']);
    });
    expect(one.run('c', seen)).toEqual(['c', undefined, expect.stringMatching(UUID)]);
  });

  it('takes a correlation id of 1 to 128 visible ASCII characters', () => {
    for (const given of ['a', '0-f/{}~!', 'x'.repeat(128)]) expect(acceptedCorrelationId(given)).toBe(given);
    for (const given of ['', 'a b', 'ä', 'a\n', 'x'.repeat(129), undefined, ['a'], 5])
      expect(acceptedCorrelationId(given)).toMatch(UUID);
  });
});
