import fc from 'fast-check';
import { startTestApp, TEST_ADMIN_TOKEN, type TestApp } from '../../libs/testing/test-app.js';
import { Conformance, readGolden } from './conformance.js';
import { Calls } from './malformed-calls.js';
import { aTenantWithIds } from './matrix-world.js';
import { Wire } from './wire.js';
import { aUserWithToken, stopChecked } from './world.js';

const RUNS = 60;
const ODD_RUNS = 15;
const LEAKS = /node_modules|\.[tj]s:\d+|^\s+at /m;

const conformance = new Conformance(await readGolden());
const operations = conformance.operations.map((operation) => [operation.operationId, operation] as const);

let app: TestApp;
let ids: Record<string, string>;
let bearers: string[];
let wire: Wire;

beforeAll(async () => {
  app = await startTestApp();
  wire = new Wire(app.url);
  const owner = { ...app.admin, id: '', name: 'admin', token: TEST_ADMIN_TOKEN };
  ({ ids } = await aTenantWithIds(app, conformance, owner));
  const outsider = await aUserWithToken(app);
  bearers = [TEST_ADMIN_TOKEN, outsider.token].map((secret) => `Bearer ${secret}`);
  await app.settled();
});

afterAll(async () => {
  wire.close();
  await stopChecked(app);
});

describe('a malformed call', () => {
  it.each(operations)('of %s is refused with a documented problem, and nothing is stored', async (_id, operation) => {
    const calls = bearers.map((bearer) => new Calls(operation, conformance, ids, bearer).malformed());
    const head = await app.runtime.log.head();
    await fc.assert(
      fc.asyncProperty(fc.oneof(...calls), async (call) => {
        const exchange = await wire.send(call);
        expect([exchange.status >= 400 && exchange.status < 500, exchange.text]).toEqual([
          true,
          expect.not.stringMatching(LEAKS),
        ]);
        expect(conformance.faults(exchange)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
    expect(await storedSince(head)).toEqual([]);
    expect(failures()).toEqual([]);
  });
});

describe('whatever text is in it', () => {
  const taking = operations.filter(([, operation]) => new Calls(operation, conformance, {}, '').takesTexts);

  it.each(taking)('%s is answered as documented', async (_id, operation) => {
    const calls = new Calls(operation, conformance, ids, bearers[0]!).withOddTexts();
    await fc.assert(
      fc.asyncProperty(calls, async (call) => {
        const exchange = await wire.send(call);
        expect(conformance.faults(exchange)).toEqual([]);
        expect(exchange.status).toBeLessThan(500);
      }),
      { numRuns: ODD_RUNS },
    );
    expect(failures()).toEqual([]);
  });
});

/** Types of the events after a position; the heads of the audit chains are published every minute, whatever is called. */
async function storedSince(position: number): Promise<string[]> {
  const events = await app.runtime.log.readAll(position, 100);
  return events.map(({ type }) => type).filter((type) => type !== 'audit-heads-published.v1');
}

/** What was logged as a fault of ours. */
function failures(): string[] {
  return app.logged.filter((line) => line.includes('"level":50') || line.includes('"level":"error"'));
}
