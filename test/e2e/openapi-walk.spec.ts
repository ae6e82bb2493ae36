import { startTestApp, TEST_ADMIN_TOKEN, type TestApp } from '../../libs/testing/test-app.js';
import { Conformance, readGolden } from './conformance.js';
import { walkCheckers, walkRoles } from './walk-roles.js';
import { checkedApp, UNKNOWN } from './world.js';

let app: TestApp;
let conformance: Conformance;

checkedApp(async () => (app = await startTestApp()));

beforeAll(async () => {
  conformance = new Conformance(await readGolden());
});

describe('a client that believes the document (X-012)', () => {
  it('meets no status, field or header that is not in it, on a walk through all operations', async () => {
    const walk = new Walk();
    const { ann, bob, tenantId } = await walk.people();
    await walk.tenant(tenantId, ann);
    const workspaceId = await walk.workspaces(tenantId, ann);
    await walk.members(tenantId, ann, { workspaceId, userId: bob.id });
    await walkRoles(walk, { tenantId, workspaceId }, ann, bob);
    await walkCheckers(walk, TEST_ADMIN_TOKEN, bob);
    await walk.requests({ tenantId, workspaceId }, ann, bob);
    await walk.serviceAccounts(tenantId, ann);
    await walk.apiKeys(tenantId, ann);
    await walk.tokensAndUsers(ann, bob);
    await walk.permissions(ann, { tenantId, userId: bob.id });
    await walk.refusals({ tenantId, workspaceId }, ann, bob);
    await walk.call('DELETE', `/v1/tenants/${tenantId}`, { as: ann.token });
    await walk.call('GET', `/v1/tenants/${tenantId}`, { as: ann.token, status: 404 });
    expect(walk.faults).toEqual([]);
    const unseen = conformance.operations.filter(({ operationId }) => {
      return ![...(conformance.seen.get(operationId) ?? [])].some((status) => status < 300);
    });
    expect(unseen.map(({ operationId }) => operationId)).toEqual([]);
    // Some 150 calls, one after the other: 27 s on a machine with eight times its load.
  }, 240_000);
});

interface Person {
  id: string;
  token: string;
}
interface CallOptions {
  as?: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Any success unless told. */
  status?: number;
}
type Body = { [field: string]: unknown } & { id: string; items: { id: string }[] };

class Walk {
  readonly faults: string[] = [];
  /** Of the last change, so that what follows sees it. */
  private token: string | null = null;

  async call(method: string, path: string, { as, body, headers, status }: CallOptions = {}): Promise<Body> {
    const response = await fetch(`${app.url}${path}`, {
      method,
      headers: {
        ...(as !== undefined && { authorization: `Bearer ${as}` }),
        ...(as !== undefined && this.token !== null && { 'consistency-token': this.token }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    this.token = response.headers.get('consistency-token') ?? this.token;
    const exchange = { method, path, status: response.status, headers: response.headers, text };
    this.faults.push(...conformance.faults(exchange).map((fault) => `${method} ${path}: ${fault}`));
    if (status === undefined ? response.status >= 300 : response.status !== status) {
      throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    }
    return (text === '' ? {} : JSON.parse(text)) as Body;
  }

  async people(): Promise<{ ann: Person; bob: Person; tenantId: string }> {
    await this.call('GET', '/healthz');
    await this.call('GET', '/readyz');
    await this.call('GET', '/v1/me', { as: TEST_ADMIN_TOKEN });
    const externalIdentity = { issuer: 'https://idp.example', subject: 'ann' };
    const ann = await this.person({ displayName: 'Ann', email: 'ann@example.com', externalIdentity });
    const bob = await this.person({});
    await this.call('GET', '/v1/users?active=true&limit=1', { as: TEST_ADMIN_TOKEN });
    await this.call('GET', `/v1/users/${ann.id}`, { as: ann.token });
    await this.call('PATCH', '/v1/me', { as: bob.token, body: { displayName: 'Bob' } });
    await this.call('PATCH', `/v1/users/${bob.id}`, { as: bob.token, body: { email: null, displayName: 'Bob B.' } });
    const headers = { 'idempotency-key': 'a-tenant', prefer: 'wait=10' };
    const tenant = await this.call('POST', '/v1/tenants', { as: ann.token, body: { name: 'Walk' }, headers });
    await this.call('POST', '/v1/tenants', { as: ann.token, body: { name: 'Walk' }, headers });
    return { ann, bob, tenantId: tenant.id };
  }

  async tenant(id: string, { token: as }: Person): Promise<void> {
    const path = `/v1/tenants/${id}`;
    await this.call('GET', '/v1/tenants?name=Walk', { as });
    await this.call('PATCH', path, { as, body: { name: 'Walked' }, headers: { 'if-match': '*' } });
    await this.call('PATCH', path, { as, body: { name: 'Later' }, headers: { 'if-match': '"99"' }, status: 412 });
    await this.call('GET', path, { as });
    await this.call('GET', `${path}/requestable-roles`, { as });
    await this.call('PUT', `${path}/requestable-roles`, { as, body: { items: ['tenant:member', 'workspace:editor'] } });
    await this.call('GET', `${path}/audit-log?limit=200`, { as });
    await this.call('GET', '/v1/audit-log?limit=200', { as: TEST_ADMIN_TOKEN });
  }

  async workspaces(tenantId: string, { token: as }: Person): Promise<string> {
    const path = `/v1/tenants/${tenantId}/workspaces`;
    const { items } = await this.call('GET', path, { as });
    const parentId = items[0]!.id;
    const { id } = await this.call('POST', path, { as, body: { name: 'work', parentId } });
    const other = await this.call('POST', path, { as, body: { name: 'other', parentId } });
    await this.call('GET', `${path}/${id}`, { as });
    await this.call('GET', `${path}/${parentId}`, { as });
    await this.call('GET', `${path}?limit=1&parentId=${parentId}`, { as });
    await this.call('PATCH', `${path}/${other.id}`, { as, body: { name: 'another', parentId: id } });
    await this.call('DELETE', `${path}/${id}`, { as, status: 409 });
    await this.call('DELETE', `${path}/${parentId}`, { as, status: 409 });
    await this.call('DELETE', `${path}/${other.id}`, { as });
    return id;
  }

  async members(
    tenantId: string,
    { token: as, id: owner }: Person,
    held: { workspaceId: string; userId: string },
  ): Promise<void> {
    const { workspaceId, userId } = held;
    const until = '2090-01-01T00:00:00Z';
    const tenant = `/v1/tenants/${tenantId}`;
    for (const path of [`${tenant}/members`, `${tenant}/workspaces/${workspaceId}/members`]) {
      await this.call('POST', path, { as, body: { userId, role: 'member' } });
      await this.call('PATCH', `${path}/${userId}`, { as, body: { role: 'admin', until } });
      for (const which of ['?limit=200', '?role=admin&limit=1', `/${userId}`]) {
        await this.call('GET', `${path}${which}`, { as });
      }
      await this.call('POST', path, { as, body: { userId: UNKNOWN, role: 'member' }, status: 422 });
    }
    await this.call('DELETE', `${tenant}/workspaces/${workspaceId}/members/${userId}`, { as });
    await this.call('DELETE', `${tenant}/members/${owner}`, { as, status: 409 });
    await this.call('DELETE', `${tenant}/members/${userId}`, { as });
    const target = { type: 'workspace', id: workspaceId };
    const given = { subject: { type: 'user', id: userId }, role: 'editor', target };
    await this.call('POST', `${tenant}/assignments`, { as, body: given });
    const { items } = await this.call('GET', `${tenant}/assignments?subjectId=${userId}`, { as });
    await this.call('DELETE', `${tenant}/assignments/${items[0]!.id}`, { as });
    await this.call('DELETE', `${tenant}/assignments/${items[0]!.id}`, { as, status: 404 });
    await this.call('POST', `${tenant}/members`, { as, body: { userId, role: 'member' } });
  }

  async requests(
    at: { tenantId: string; workspaceId: string },
    { token: admin }: Person,
    { token: as }: Person,
  ): Promise<void> {
    const path = `/v1/tenants/${at.tenantId}/requests`;
    const asked = { kind: 'role', role: 'editor', target: { type: 'workspace', id: at.workspaceId }, reason: 'please' };
    const first = await this.call('POST', path, { as, body: asked });
    await this.call('POST', path, { as, body: asked, status: 409 });
    await this.call('POST', path, { as, body: { ...asked, role: 'admin' }, status: 422 });
    const second = await this.call('POST', path, { as, body: { ...asked, supersede: true } });
    await this.call('POST', `${path}/${first.id}/withdrawal`, { as, body: {}, status: 409 });
    await this.call('POST', `${path}/${second.id}/decision`, { as, body: { decision: 'approved' }, status: 403 });
    await this.call('POST', `${path}/${second.id}/revocation`, { as: admin, body: {}, status: 409 });
    await this.call('POST', `${path}/${second.id}/decision`, { as: admin, body: { decision: 'approved', note: 'ok' } });
    await this.call('POST', path, { as, body: asked, status: 409 });
    await this.call('POST', `${path}/${second.id}/revocation`, { as: admin, body: { note: 'over' } });
    const third = await this.call('POST', path, { as, body: { ...asked, until: '2090-01-01T00:00:00Z' } });
    await this.call('POST', `${path}/${third.id}/withdrawal`, { as, body: {} });
    const fourth = await this.call('POST', path, { as, body: asked });
    await this.call('POST', `${path}/${fourth.id}/decision`, { as: admin, body: { decision: 'rejected' } });
    await this.call('GET', `${path}?requester=@me&status=revoked`, { as });
    await this.call('GET', `${path}?decidable=@me&limit=1`, { as: admin });
    await this.call('GET', path, { as: admin });
    await this.call('GET', path, { as, status: 403 });
    for (const { id } of [first, second, third, fourth]) await this.call('GET', `${path}/${id}`, { as });
    await this.call('GET', `/v1/tenants/${at.tenantId}/audit-log?limit=200`, { as: admin });
  }

  async serviceAccounts(tenantId: string, { token: as }: Person): Promise<void> {
    const path = `/v1/tenants/${tenantId}/service-accounts`;
    const { id } = await this.call('POST', path, { as, body: { name: 'robot' } });
    const tokens = `${path}/${id}/tokens`;
    await this.call('GET', `${path}?limit=1`, { as });
    await this.call('GET', `${path}/${id}`, { as });
    await this.call('PATCH', `${path}/${id}`, { as, body: { name: 'automaton' } });
    const issued = await this.call('POST', tokens, { as, body: { name: 'ci', expiresIn: 60 } });
    await this.call('POST', tokens, { as, body: { name: 'ci' }, status: 409 });
    await this.call('GET', '/v1/me', { as: String(issued.secret) });
    await this.call('GET', tokens, { as });
    await this.call('DELETE', `${tokens}/${issued.id}`, { as });
    await this.call('DELETE', `${tokens}/${issued.id}`, { as, status: 409 });
    await this.call('DELETE', `${path}/${id}`, { as });
  }

  async apiKeys(tenantId: string, { token: as }: Person): Promise<void> {
    const path = `/v1/tenants/${tenantId}/api-keys`;
    const key = await this.call('POST', path, { as, body: { name: 'script' } });
    await this.call('POST', path, { as, body: { name: 'script' }, status: 409 });
    const headers = { 'x-api-key': String(key.secret) };
    await this.call('GET', `${path}?limit=1`, { headers });
    await this.call('GET', `${path}/${key.id}`, { headers });
    await this.call('GET', '/v1/me', { headers });
    await this.call('GET', '/v1/tenants', { headers, status: 403 });
    await this.call('DELETE', `${path}/${key.id}`, { as });
    await this.call('DELETE', `${path}/${key.id}`, { as, status: 409 });
  }

  async tokensAndUsers({ token: as, id }: Person, { id: other }: Person): Promise<void> {
    const issued = await this.call('POST', '/v1/me/tokens', { as, body: { name: 'mine', expiresInDays: null } });
    await this.call('POST', '/v1/me/tokens', { as, body: { name: 'mine' }, status: 409 });
    await this.call('GET', '/v1/me/tokens', { as });
    await this.call('DELETE', `/v1/me/tokens/${issued.id}`, { as });
    await this.call('DELETE', `/v1/me/tokens/${issued.id}`, { as, status: 409 });
    const another = await this.call('POST', `/v1/users/${id}/tokens`, {
      as,
      body: { name: 'another', expiresInDays: 1 },
    });
    await this.call('GET', `/v1/users/${id}/tokens`, { as });
    await this.call('GET', `/v1/users/${other}/tokens`, { as, status: 404 });
    await this.call('DELETE', `/v1/users/${id}/tokens/${another.id}`, { as });
    const gone = await this.person({ displayName: 'Gone' });
    for (const [status, path] of Object.entries({ suspended: 'suspension', active: 'reinstatement' })) {
      const answer = await this.call('POST', `/v1/users/${gone.id}/${path}`, { as: TEST_ADMIN_TOKEN, body: {} });
      expect(answer).toMatchObject({ status });
    }
    await this.call('DELETE', `/v1/users/${gone.id}`, { as: TEST_ADMIN_TOKEN });
    await this.call('PATCH', `/v1/users/${gone.id}`, {
      as: TEST_ADMIN_TOKEN,
      body: { displayName: 'Back' },
      status: 409,
    });
    await this.call('GET', '/v1/me', { as: gone.token, status: 401 });
    await this.call('GET', '/v1/users', { as, status: 403 });
  }

  async permissions({ token: as }: Person, { tenantId, userId }: { tenantId: string; userId: string }): Promise<void> {
    const check = { resource: { type: 'tenant', id: tenantId }, permission: 'manage' };
    await this.call('POST', '/v1/permissions/check', { as, body: check });
    const ofOther = { ...check, subject: { type: 'user', id: userId } };
    await this.call('POST', '/v1/permissions/check', { as, body: { checks: [check, ofOther] } });
    const { token } = await this.call('PATCH', '/v1/me', { as, body: { displayName: 'Ann A.' } });
    await this.call('POST', '/v1/consistency', { as, body: { token } });
    await this.call('GET', '/v1/me', { as, headers: { 'consistency-token': String(token) } });
    await this.call('GET', '/v1/me', { as, headers: { 'consistency-token': 'forged' }, status: 400 });
  }

  async refusals(
    { tenantId, workspaceId }: { tenantId: string; workspaceId: string },
    { token: as }: Person,
    bob: Person,
  ) {
    const path = `/v1/tenants/${tenantId}`;
    await this.call('GET', `${path}/members`, { as: bob.token, status: 403 });
    await this.call('GET', `${path}/workspaces/${workspaceId}`, { as: bob.token, status: 404 });
    await this.call('GET', `/v1/tenants/${UNKNOWN}`, { as, status: 404 });
    await this.call('GET', '/v1/tenants/7', { as, status: 400 });
    await this.call('GET', `${path}/members?role=nurse`, { as, status: 400 });
    await this.call('PATCH', path, { as, body: { title: 'x' }, status: 422 });
    await this.call('DELETE', '/v1/me', { as, status: 405 });
    await this.call('GET', '/v1/nowhere', { as, status: 404 });
  }

  private async person(profile: object): Promise<Person> {
    const { id } = await this.call('POST', '/v1/users', { as: TEST_ADMIN_TOKEN, body: profile });
    const body = { name: 'test' };
    const { secret } = await this.call('POST', `/v1/users/${id}/tokens`, { as: TEST_ADMIN_TOKEN, body });
    return { id, token: String(secret) };
  }
}
