import { Agent, request } from 'node:http';
import fc from 'fast-check';
import { startTestApp, TEST_ADMIN_TOKEN, type TestApp } from '../../libs/testing/test-app.js';
import { Conformance, type Exchange, readGolden } from './conformance.js';
import { Calls, type RawCall } from './malformed-calls.js';
import { aMember, aTenant, aUserWithToken, aWorkspace, done } from './world.js';

const RUNS = 60;
const ODD_RUNS = 15;
const LEAKS = /node_modules|\.[tj]s:\d+|^\s+at /m;

const agent = new Agent({ keepAlive: true, maxSockets: 4 });
const conformance = new Conformance(await readGolden());
const operations = conformance.operations.map((operation) => [operation.operationId, operation] as const);

let app: TestApp;
let ids: Record<string, string>;
let bearers: string[];

beforeAll(async () => {
  app = await startTestApp();
  const owner = { ...app.admin, id: '', name: 'admin', token: TEST_ADMIN_TOKEN };
  const tenant = await aTenant(app, { owner });
  const [workspaceId, member] = [await aWorkspace(tenant), await aMember(app, tenant)];
  const asked = { kind: 'role', role: 'editor', target: { type: 'workspace', id: workspaceId } };
  const { body: asking } = await done(member.post(`${tenant.path}/requests`, asked));
  const { body: token } = await done(app.admin.post('/v1/me/tokens', { name: 'mine' }));
  const { body: assignments } = await done(app.admin.get(`${tenant.path}/assignments?subjectId=${member.id}`));
  ids = {
    ...{ tenantId: tenant.id, workspaceId, userId: member.id, requestId: asking.id, tokenId: token.id },
    assignmentId: String(assignments.items![0]!.id),
  };
  const outsider = await aUserWithToken(app);
  bearers = [TEST_ADMIN_TOKEN, outsider.token].map((secret) => `Bearer ${secret}`);
  await app.settled();
});

afterAll(async () => {
  agent.destroy();
  await app?.stop();
});

describe('a malformed call', () => {
  it.each(operations)('of %s is refused with a documented problem, and nothing is stored', async (_id, operation) => {
    const calls = bearers.map((bearer) => new Calls(operation, conformance, ids, bearer).malformed());
    const head = await app.runtime.log.head();
    await fc.assert(
      fc.asyncProperty(fc.oneof(...calls), async (call) => {
        const exchange = await send(call);
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
  it.each(operations)('%s is answered as documented', async (_id, operation) => {
    const calls = new Calls(operation, conformance, ids, bearers[0]!).withOddTexts();
    if (!calls) return;
    await fc.assert(
      fc.asyncProperty(calls, async (call) => {
        const exchange = await send(call);
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

/** Not with fetch, which corrects what it is given. */
function send({ method, path, headers, body }: RawCall): Promise<Exchange> {
  const { hostname, port } = new URL(app.url);
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { agent, hostname, port, method, path, headers: { ...headers, ...length } },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const answered = Object.entries(incoming.headers).map(([name, value]): [string, string] => [
            name,
            String(value),
          ]);
          const status = incoming.statusCode!;
          resolve({ method, path, status, headers: new Headers(answered), text: Buffer.concat(chunks).toString() });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
