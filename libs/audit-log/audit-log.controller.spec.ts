import { toAppend } from '../event-store/index.js';
import { ADA, BOB, CHILD, ROOT, TENANT } from '../verification/world.fixture.js';
import { HttpWorld } from '../verification/http-world.fixture.js';
import { AuditLogController, type ListedAuditEntry, SystemAuditLogController } from './trail.js';

const MEMBER = '01JQ0000000000000000000M01';
const ROOT_ADMIN = '01JQ0000000000000000000R01';
const OTHER_TENANT = '01JQ0000000000000000000T02';
const PATH = `/v1/tenants/${TENANT}/audit-log`;

let http: HttpWorld;

beforeAll(async () => {
  http = await HttpWorld.start(AuditLogController, SystemAuditLogController);
  await http.world.tenant();
  const want = (resource: string, relation: string, subject: string) => ({
    want: { resource, relation, subject: `user:${subject}` },
    source: 'x',
  });
  const sources = [want(`tenant:${TENANT}`, 'member', MEMBER), want('system:installation', 'admin', ROOT_ADMIN)];
  await http.world.sample({ sources }, null);
  await http.relay();
});
afterAll(() => http?.stop());

const list = async (query = '', path = PATH, as = ADA) => {
  const { status, body } = await http.get(`user:${as}`, `${path}${query}`);
  const { items, nextCursor } = body as unknown as { items: ListedAuditEntry[]; nextCursor: string | null };
  return { status, body, items, nextCursor };
};
const sequences = async (query: string) => (await list(query)).items.map(({ sequence }) => sequence);
const actions = async (query: string) => (await list(query)).items.map(({ action }) => action);

describe('the audit log of a tenant', () => {
  it('shows everything of an entry but the stored event', async () => {
    const { items } = await list('?action=tenant.renamed');
    const event = (await http.world.log.readStream(`tenant-${TENANT}`)).at(-1)!;
    const { correlationId, commandId } = event.metadata;
    expect(items).toEqual([
      {
        sequence: 6,
        at: '2026-01-01T00:00:00.000Z',
        action: 'tenant.renamed',
        actor: { type: 'user', id: ADA, displayName: 'Ada' },
        resource: { type: 'tenant', id: TENANT },
        oldValues: { name: 'Acme' },
        newValues: { name: 'Acme Ltd' },
        ip: '192.0.2.7',
        userAgent: 'spec',
        personal: null,
        erased: false,
        correlationId,
        causationId: null,
        commandId,
        eventId: event.id,
        position: event.position,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
  });

  it('shows for whom a process acted, what caused it, and the event’s own personal fields', async () => {
    const { world } = http;
    const cause = (await world.log.readStream(`tenant-${TENANT}`))[0]!;
    const actor = { type: 'process' as const, id: 'tenants', onBehalfOf: { type: 'user' as const, id: BOB } };
    const { personal: _personal, ...context } = world.context();
    const events = toAppend(
      'others',
      [{ type: 'sample-recorded.v1', data: {}, personal: { reason: 'because', hmac: 'h' } }],
      { ...context, actor, causationId: cause.id },
      TENANT,
    );
    await world.log.append('others', -1, events);
    await world.relay();
    expect((await list('?limit=1')).items).toMatchObject([
      {
        actor: { ...actor, onBehalfOf: { ...actor.onBehalfOf, displayName: null } },
        causationId: cause.id,
        personal: { reason: 'because' },
        ip: null,
      },
    ]);
    expect(JSON.stringify((await list()).body)).not.toContain('hmac');
  });

  it('MG-112 is newest first, or oldest first where asked', async () => {
    const oldest = await sequences('?order=asc&limit=5');
    expect(oldest).toEqual([1, 2, 3, 4, 5]);
    expect((await sequences('?order=desc')).slice(-5)).toEqual([...oldest].reverse());
    const newest = await sequences('');
    expect(newest).toEqual(await sequences('?order=desc'));
    // Without gaps: the newest says how many there are.
    expect(newest[0]).toBe(newest.length);
  });

  it.each(['asc', 'desc'])('comes in pages that neither miss nor double while entries arrive: %s', async (order) => {
    const before = await sequences(`?order=${order}`);
    const seen: number[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Awaited<ReturnType<typeof list>> = await list(
        `?order=${order}&limit=2${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...page.items.map(({ sequence }) => sequence));
      cursor = page.nextCursor;
      if (seen.length === 2) {
        await http.world.sample({});
        await http.world.relay();
      }
    }
    expect(seen).toEqual(order === 'asc' ? [...before, before.length + 1] : before);
  });

  it.each([
    ['?action=tenant.renamed', ['tenant.renamed']],
    ['?action=tenant.renamed,tenant.created', ['tenant.renamed', 'tenant.created']],
    ['?action=unheard-of', []],
    ['?resourceType=workspace', ['workspace.created', 'workspace.created']],
    [`?resourceType=workspace&resourceId=${ROOT}`, ['workspace.created']],
    [`?resourceId=${CHILD.toLowerCase()}`, ['workspace.created']],
    [`?actorId=${ADA.toLowerCase()}&action=tenant.created`, ['tenant.created']],
    [`?actorId=${BOB}`, []],
    ['?from=2026-01-01T00:00:00.000Z&action=tenant.created', ['tenant.created']],
    ['?from=2026-01-01T00:00:00.001Z', []],
    ['?to=2026-01-01T00:00:00Z', []],
    ['?to=2026-01-01T01:00:00.001%2B01:00&action=tenant.created', ['tenant.created']],
    [`?resourceType=workspace&resourceId=${ROOT}&action=workspace.created&actorId=${ADA}`, ['workspace.created']],
    [`?resourceType=workspace&resourceId=${ROOT}&action=tenant.created&actorId=${ADA}`, []],
  ])('MG-113 is filtered: %s', async (query, expected) => {
    expect(await actions(query)).toEqual(expected);
  });

  it.each(['asc', 'desc'])('of a time is in the same order, however much of it is asked for: %s', async (order) => {
    const all = await sequences(`?order=${order}`);
    const time = 'from=2025-12-31T00:00:00.000Z&to=2026-01-02T00:00:00.000Z';
    expect(await sequences(`?order=${order}&${time}`)).toEqual(all);
    expect(await sequences(`?order=${order}&${time}&limit=2`)).toEqual(all.slice(0, 2));
  });

  it('is filtered by what belonged to one call', async () => {
    const [{ correlationId } = {}] = (await list('?action=tenant.created')).items;
    expect(await actions(`?correlationId=${correlationId}`)).toHaveLength(4);
  });

  it('shows with a resource what followed from its events, in order, and nothing else of the same call', async () => {
    const { world } = http;
    const append = async (stream: string, causationId: string | null, correlationId: string) => {
      const context = { ...world.context(), causationId, correlationId };
      const events = toAppend(stream, [{ type: 'sample-recorded.v1', data: {} }], context, TENANT);
      const revision = (await world.log.readStream(stream)).length - 1;
      await world.log.append(stream, revision, events);
      return events[0]!.id;
    };
    const submitted = await append('request', null, 'first call');
    await append('opened', submitted, 'first call');
    await append('another', null, 'first call');
    const decided = await append('request', null, 'second call');
    const granted = await append('granted', decided, 'second call');
    await append('told', granted, 'second call');
    await append('elsewhere', decided, 'third call');
    await world.relay();
    const { items } = await list('?resourceType=sample&resourceId=request&consequences=true&order=asc');
    expect(items.map(({ resource }) => resource.id)).toEqual(['request', 'opened', 'request', 'granted', 'told']);
  });

  it.each([
    ['?limit=0', 'limit'],
    ['?limit=201', 'limit'],
    ['?from=yesterday', 'from'],
    ['?order=random', 'order'],
    ['?cursor=x', 'cursor'],
    ['?consequences=true&resourceType=tenant', 'resourceId'],
    ['?unknown=1', 'unknown'],
    ['?limit=1000', 'limit'],
    ['?limit=x', 'limit'],
    ['?offset=-1', 'offset'],
  ])('MG-114 refuses %s', async (query, field) => {
    const { status, body } = await list(query);
    expect({ status, ...body }).toMatchObject({ status: 400, code: 'malformed-query', field });
  });

  it('keeps a cursor to the list and filters it is of', async () => {
    const { nextCursor } = await list('?limit=1');
    expect((await list(`?limit=1&order=asc&cursor=${nextCursor}`)).status).toBe(400);
    expect((await list(`?limit=3&cursor=${nextCursor}`)).items).toHaveLength(3);
  });

  it('is for who manages the tenant', async () => {
    expect((await list('', PATH, BOB)).status).toBe(200);
    expect(await list('', PATH, MEMBER)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const foreign = await list('', `/v1/tenants/${OTHER_TENANT}/audit-log`);
    const hidden = await list('', PATH, ROOT_ADMIN);
    expect(foreign).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(hidden.body).toEqual(foreign.body);
  });

  it('shows an entry that somebody has tampered with as far as it can', async () => {
    await http.world.pool.query(`update audit_entry set event = 'no JSON' where sequence = 6`);
    const { items } = await list('?action=tenant.renamed');
    expect(items).toMatchObject([{ sequence: 6, oldValues: { name: 'Acme' }, ip: null }]);
  });
});

describe('the audit log of the installation', () => {
  it('has what belongs to no tenant, for system admins', async () => {
    const { status, items } = await list('', '/v1/audit-log', ROOT_ADMIN);
    expect(status).toBe(200);
    expect(items.map(({ sequence, action }) => [sequence, action])).toEqual([[1, 'sample.recorded']]);
    expect((await list('', '/v1/audit-log', ADA)).status).toBe(403);
  });
});
