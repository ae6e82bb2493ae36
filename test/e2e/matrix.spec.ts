import { startTestApp, TEST_ADMIN_TOKEN, type TestApp } from '../../libs/testing/test-app.js';
import { Conformance, type DocumentedOperation, type Exchange, readGolden } from './conformance.js';
import { Calls, type RawCall } from './malformed-calls.js';
import { aTenantWithIds, type TenantWithIds } from './matrix-world.js';
import { Wire } from './wire.js';
import { aMember, aUserWithToken, done, stopChecked, UNKNOWN } from './world.js';

interface Caller {
  /** `user:…`; undefined for nobody. */
  subject?: string;
  bearer?: string;
}
interface Expected {
  status: number;
  code?: string;
}

const ROLES = [
  ...['nobody', 'a stranger', 'a tenant member', 'a tenant admin', 'an admin of another tenant'],
  ...['a workspace member', 'a workspace editor', 'a workspace admin', 'a system admin'],
  ...['a service account', 'a service account that is a member'],
] as const;
const VARYING = new Set(['date', 'x-correlation-id']);

const conformance = new Conformance(await readGolden());
const operations = conformance.operations.map((operation) => [operation.operationId, operation] as const);

let app: TestApp;
let wire: Wire;
let ours: TenantWithIds;
let theirs: TenantWithIds;
/** An admin of both tenants. */
let both: string;
let keys = 0;
const callers = new Map<string, Caller>();

beforeAll(async () => {
  app = await startTestApp();
  wire = new Wire(app.url);
  ours = await aTenantWithIds(app, conformance);
  theirs = await aTenantWithIds(app, conformance);
  const known = ({ id, token }: { id: string; token: string }): Caller => {
    return { subject: `user:${id}`, bearer: `Bearer ${token}` };
  };
  callers.set('nobody', {});
  callers.set('a stranger', known(await aUserWithToken(app)));
  callers.set('a tenant member', known(await aMember(app, ours.tenant)));
  callers.set('a tenant admin', known(ours.tenant.owner));
  callers.set('an admin of another tenant', known(theirs.tenant.owner));
  for (const role of ['member', 'editor', 'admin']) {
    const person = await aMember(app, ours.tenant);
    const path = `${ours.tenant.path}/workspaces/${ours.ids.workspaceId}/members`;
    await done(ours.tenant.owner.post(path, { userId: person.id, role }));
    callers.set(`a workspace ${role}`, known(person));
  }
  callers.set('a service account', await aServiceAccount());
  callers.set('a service account that is a member', await aServiceAccount('member'));
  callers.set('a system admin', {
    subject: `user:${app.installation.adminUserId}`,
    bearer: `Bearer ${TEST_ADMIN_TOKEN}`,
  });
  const person = await aMember(app, ours.tenant, 'admin');
  await done(theirs.tenant.owner.post(`${theirs.tenant.path}/members`, { userId: person.id, role: 'admin' }));
  both = `Bearer ${person.token}`;
  await app.settled();
});

afterAll(async () => {
  wire?.close();
  await stopChecked(app);
});

it('has something for every path parameter', () => {
  expect([ours.missing, theirs.missing]).toEqual([[], []]);
});

/** Of our tenant, with a role on it and on its workspace where one is given. */
async function aServiceAccount(role?: string): Promise<Caller> {
  const { owner, path } = ours.tenant;
  const { body: account } = await done(owner.post(`${path}/service-accounts`, { name: 'caller' }));
  const { body: token } = await done(owner.post(`${path}/service-accounts/${account.id}/tokens`, {}));
  const subject = { type: 'service_account', id: account.id };
  for (const members of role ? ['members', `workspaces/${ours.ids.workspaceId}/members`] : []) {
    await done(owner.post(`${path}/${members}`, { subject, role }));
  }
  return { subject: `service_account:${account.id}`, bearer: `Bearer ${token.secret}` };
}

describe('every route, called in every role', () => {
  it.each(operations)(
    '%s is open to whom its declaration says, to nobody else, and no row changes',
    async (_id, operation) => {
      const head = await app.runtime.log.head();
      for (const role of ROLES) {
        const caller = callers.get(role)!;
        const exchange = await wire.send(harmless(operation, caller.bearer));
        const { code } = (exchange.status >= 400 ? JSON.parse(exchange.text) : {}) as { code?: string };
        const expected = await expectedOf(operation, caller);
        if (expected)
          expect([role, { status: exchange.status, code }]).toEqual([role, { code: undefined, ...expected }]);
        expect([role, exchange.status < 500, conformance.faults(exchange)]).toEqual([role, true, []]);
      }
      const stored = (await app.runtime.log.readAll(head, 100)).map(({ type }) => type);
      expect(stored.filter((type) => type !== 'audit-heads-published.v1')).toEqual([]);
    },
  );
});

describe('what is in another tenant', () => {
  const withIds = operations.filter(([, { path }]) => path.includes('{'));

  it.each(withIds)('is for %s as if it were not there', async (_id, operation) => {
    const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
    for (let own = 0; own < names.length; own++) {
      const idsWith = (idOf: (id: string) => string): Record<string, string> =>
        Object.fromEntries(names.map((name, at) => [name, at < own ? theirs.ids[name]! : idOf(ours.ids[name]!)]));
      const pair = [idsWith((id) => id), idsWith(unknownLike)] as const;
      await sameFor(operation, `Bearer ${theirs.tenant.owner.token}`, pair);
      if (own > 0) await sameFor(operation, both, pair);
    }
  });

  const withBodies = operations.filter(([, { requestBody }]) => requestBody !== undefined);

  it.each(withBodies)('is for the body of %s as if it were not there', async (_id, operation) => {
    const calls = new Calls(operation, conformance, theirs.ids, `Bearer ${theirs.tenant.owner.token}`);
    for (const { field, naming } of calls.withIdInBody()) {
      const missing = comparable(await wire.send(naming(UNKNOWN)), [UNKNOWN]);
      for (const name of ['tenantId', 'workspaceId', 'requestId', 'tokenId']) {
        const foreign = comparable(await wire.send(naming(ours.ids[name]!)), [ours.ids[name]!]);
        expect([field, name, foreign]).toEqual([field, name, missing]);
      }
    }
  });
});

async function sameFor(
  operation: DocumentedOperation,
  bearer: string,
  [foreign, missing]: readonly [Record<string, string>, Record<string, string>],
): Promise<void> {
  for (const withHeaders of [false, true]) {
    const answers = [];
    for (const ids of [foreign, missing]) {
      const call = new Calls(operation, conformance, ids, bearer).good();
      const more = { 'idempotency-key': `matrix-${++keys}`, 'if-match': '"1"', prefer: 'wait=0' };
      const exchange = await wire.send({ ...call, headers: { ...call.headers, ...(withHeaders && more) } });
      expect([call.path, exchange.status < 500, conformance.faults(exchange)]).toEqual([call.path, true, []]);
      answers.push(comparable(exchange, Object.values(ids)));
    }
    expect(answers[0]).toEqual(answers[1]);
    const { status, text } = answers[0]!;
    if (status < 400) expect(JSON.parse(text)).toEqual({ items: [], nextCursor: null });
  }
}

/** What can be compared of answers that name other ids. */
function comparable({ status, headers, text }: Exchange, ids: readonly string[]) {
  const neutral = (value: string): string => ids.reduce((changed, id) => changed.replaceAll(id, '<id>'), value);
  const kept = [...headers].filter(([name]) => !VARYING.has(name));
  return {
    status,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, neutral(value)])),
    text: neutral(text),
  };
}

/** An id of the same form that nothing has. */
function unknownLike(id: string): string {
  if (id.length === UNKNOWN.length) return UNKNOWN;
  return [...id].map((letter) => (letter === 'a' ? 'b' : letter === 'b' ? 'a' : letter)).join('');
}

/** A read, or a change with a query that is refused once the caller's rights are known, before anything else is. */
function harmless(operation: DocumentedOperation, bearer: string | undefined): RawCall {
  const call = new Calls(operation, conformance, ours.ids, bearer ?? '').good();
  const { authorization: _none, ...anonymous } = call.headers;
  const headers = bearer === undefined ? anonymous : call.headers;
  return { ...call, headers, path: operation.method === 'get' ? call.path : `${call.path}?stray=1` };
}

/** By the declaration and by SpiceDB itself; undefined where the handler decides. */
async function expectedOf(operation: DocumentedOperation, { subject, bearer }: Caller): Promise<Expected | undefined> {
  const { security, method, 'x-requires': required } = operation;
  const allowed = method === 'get' ? { status: 200 } : { status: 400, code: 'malformed-query' };
  if (security?.length === 0) return allowed;
  if (bearer === undefined) return { status: 401, code: 'unauthenticated' };
  if (!required) return method === 'get' ? undefined : allowed;
  const { type, param } = required.resource;
  const resource = param === undefined ? 'system:installation' : `${type}:${ours.ids[param]}`;
  const holds = (permission: string): Promise<boolean> =>
    app.runtime.spicedb.check({ resource, permission, subject: subject! }, { full: true });
  if (await holds(required.permission)) return allowed;
  const mayKnow = type === 'system' || (required.seenWith !== undefined && (await holds(required.seenWith)));
  return mayKnow ? { status: 403, code: 'forbidden' } : { status: 404, code: 'not-found' };
}
