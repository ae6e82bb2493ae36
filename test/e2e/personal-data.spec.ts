import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { CommandBus } from '@nestjs/cqrs';
import { operatorContext } from '../../apps/operator/session.js';
import { exportAudit, isIntact, verifyExport } from '../../libs/audit-log/index.js';
import { systemIds } from '../../libs/platform/index.js';
import { replay } from '../../libs/projections/index.js';
import type { ApiClient } from '../../libs/testing/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { EraseUser } from '../../libs/users/index.js';
import { checkInvariants } from '../../libs/verification/index.js';
import { closeRuntime, openRuntime, type Runtime } from '../../libs/wiring/index.js';
import { aTenant, done, events, type TestTenant } from './world.js';

/** Nothing else in the database says any of these. */
const CLEAR = {
  name: 'Zephyrine Quux',
  renamed: 'Zephyrine Quuxley',
  email: 'zephyrine@quux.example',
  reason: 'because the quokkas need it',
  token: 'quokka laptop',
  apiKey: 'quokka script',
  userAgent: 'quokka-browser/7',
  note: 'quokkas approved',
  over: 'quokkas left',
};
const REVIEWER = 'Wilhelmina Quill';

let app: TestApp;
let other: Runtime;
let tenant: TestTenant;
let person: ApiClient & { id: string };
let reviewer: ApiClient & { id: string };
let requestId: string;

beforeAll(async () => {
  app = await startTestApp();
  other = await openRuntime(app.runtime.config, { name: 'other' });
  [person, reviewer] = [await aPerson(CLEAR.name, CLEAR.email), await aPerson(REVIEWER)];
  tenant = await aTenant(app, { owner: { ...reviewer, name: REVIEWER, token: '' } });
  await done(reviewer.post(`${tenant.path}/members`, { userId: person.id, role: 'member' }));
  await done(person.post(`${tenant.path}/api-keys`, { name: CLEAR.apiKey }));
  await done(person.patch('/v1/me', { displayName: CLEAR.renamed }, { 'user-agent': CLEAR.userAgent }));
  const target = { type: 'workspace', id: tenant.rootId };
  const asked = { kind: 'role', role: 'editor', target, reason: CLEAR.reason };
  requestId = (await done(person.post(`${tenant.path}/requests`, asked, { 'user-agent': CLEAR.userAgent }))).body.id;
  const decision = { decision: 'approved', note: CLEAR.note };
  await done(reviewer.post(`${tenant.path}/requests/${requestId}/decision`, decision));
  await done(reviewer.post(`${tenant.path}/requests/${requestId}/revocation`, { note: CLEAR.over }));
  await app.settled();
});
afterAll(async () => {
  await closeRuntime(other);
  await app.stop();
});

async function aPerson(displayName: string, email?: string): Promise<ApiClient & { id: string }> {
  const { body: user } = await done(app.admin.post('/v1/users', { displayName, email }));
  const issued = await done(app.admin.post(`/v1/users/${user.id}/tokens`, { name: CLEAR.token }));
  return { id: user.id, ...app.as(issued.body.secret) };
}

const rows = async (sql: string, values: unknown[] = []) =>
  (await app.runtime.pool.query<Record<string, unknown>>(sql, values)).rows;
const stored = async (table: string) => JSON.stringify(await rows(`select t::text from ${table} t`));
const entries = async (as: ApiClient, path: string, filter: string) =>
  (await done(as.get(`${path}/audit-log?limit=200&${filter}`))).body.items as Record<string, unknown>[];
const trail = (filter: string) => entries(reviewer, tenant.path, filter);
const request = async () => (await done(reviewer.get(`${tenant.path}/requests/${requestId}`))).body;

async function exported() {
  const to = new PassThrough();
  const content = buffer(to);
  await exportAudit({ pool: app.runtime.pool, to, exportedAt: new Date('2026-02-01T00:00:00.000Z') });
  return content;
}

async function erase(userId: string): Promise<number> {
  const { position } = await app.app
    .get(CommandBus)
    .execute(new EraseUser(operatorContext(app.runtime, 'olga'), { userId }));
  await app.settled();
  return position;
}

async function verified(): Promise<void> {
  const { log, pool, spicedb, domain, clock } = app.runtime;
  const { checks } = await checkInvariants({ log, pool, spicedb, domain, clock, partition: 0 });
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
}

/** Rebuilds every read model. @returns how the rows that were there differed */
async function replayed() {
  const { log, pool, domain } = app.runtime;
  const report = await replay({ log, pool, registry: domain.registry, models: domain.readModels });
  return report.tables.filter(({ onlyLive, onlyRebuilt, changed }) => onlyLive + onlyRebuilt + changed > 0);
}

describe('personal data', () => {
  it.each(['event_log.event', 'audit_entry'])('does not stand in clear in %s', async (table) => {
    const text = await stored(table);
    expect(text).toContain('sealed');
    for (const clear of [...Object.values(CLEAR), REVIEWER, '127.0.0.1']) expect(text).not.toContain(clear);
  });

  it('does not stand in clear in an export, which verifies without keys', async () => {
    const text = (await exported()).toString();
    expect(text).toContain('sealed');
    for (const clear of [...Object.values(CLEAR), REVIEWER, '127.0.0.1']) expect(text).not.toContain(clear);
    expect(isIntact(await verifyExport(Readable.from([text]), { mapping: app.runtime.domain.audit }))).toBe(true);
  });

  it('is read as before by those who may', async () => {
    expect(await request()).toMatchObject({ reason: CLEAR.reason, reviewNote: CLEAR.note, revocationNote: CLEAR.over });
    expect(await trail('action=request.submitted')).toMatchObject([
      { personal: { reason: CLEAR.reason, requesterName: CLEAR.renamed }, erased: false },
    ]);
    const [opened] = await trail(`action=role-request.opened&actorId=${person.id}`);
    expect(opened).toMatchObject({
      ...{ actor: { displayName: CLEAR.renamed }, ip: '127.0.0.1', userAgent: CLEAR.userAgent, erased: false },
    });
  });

  it('is rebuilt by a replay as it was lived through', async () => {
    await verified();
    expect(await replayed()).toEqual([]);
  });
});

describe('an erased person', () => {
  let before: Buffer;
  beforeAll(async () => {
    before = await exported();
    // Both processes have the key at hand.
    const all = await events(app);
    for (const { domain } of [app.runtime, other]) await domain.registry.open(all);
    await erase(person.id);
  });

  it('is deactivated, and named nowhere in the read models', async () => {
    expect((await app.admin.get(`/v1/users/${person.id}`)).body).toMatchObject({
      ...{ displayName: null, email: null, active: false },
    });
    expect((await person.get('/v1/me')).status).toBe(401);
    expect(await request()).toMatchObject({ reason: null, reviewNote: CLEAR.note, revocationNote: CLEAR.over });
    expect(await rows('select name from token where user_id = $1', [person.id])).toEqual([{ name: '' }]);
    const { name, renamed, email, reason, userAgent, apiKey } = CLEAR;
    const tables = await rows(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_schema not in ('information_schema', 'pg_catalog')`,
    );
    expect(tables.length).toBeGreaterThan(20);
    for (const table of tables) {
      const text = await stored(String(table['name']));
      for (const clear of [name, renamed, email, reason, userAgent, apiKey]) expect(text).not.toContain(clear);
    }
  });

  it('has no key that could open anything, in the database or in any process', async () => {
    expect(await rows('select wrapped_key from subject_key where subject = $1', [`user:${person.id}`])).toEqual([
      { wrapped_key: null },
    ]);
    const all = await events(app);
    for (const { domain } of [app.runtime, other]) {
      const text = JSON.stringify(await domain.registry.open(all));
      expect(text).not.toContain(CLEAR.renamed);
      expect(text).not.toContain(CLEAR.userAgent);
      expect(text).toContain(REVIEWER);
    }
  });

  it('is told in the trail to have been erased, and by whom; the entries of others are as they were', async () => {
    const mine = await trail(`actorId=${person.id}`);
    expect(mine.length).toBeGreaterThan(0);
    for (const entry of mine) {
      expect(entry).toMatchObject({ actor: { displayName: null }, ip: null, userAgent: null, erased: true });
    }
    expect(await trail('action=approval.decision-recorded')).toMatchObject([
      { personal: { note: CLEAR.note, reviewerName: REVIEWER }, erased: false },
    ]);
    expect(await entries(app.admin, '/v1', 'action=user.erased')).toMatchObject([
      { resource: { type: 'user', id: person.id }, actor: { id: 'operator', displayName: 'olga' } },
    ]);
  });

  it('leaves every chain whole: live, in an export, and against an export that was made before', async () => {
    await verified();
    const after = await exported();
    const [first] = before.toString().split('\n');
    const { heads } = JSON.parse(first!) as { heads: [] };
    const report = await verifyExport(Readable.from([after]), { heads, mapping: app.runtime.domain.audit });
    expect(report).toMatchObject({ faults: [], unreadable: [] });
    expect(isIntact(await verifyExport(Readable.from([before])))).toBe(true);
  });

  it('is not brought back by a replay (P9)', async () => {
    expect(await replayed()).toEqual([]);
    await verified();
    expect(await stored('request')).not.toContain(CLEAR.reason);
  });

  it('is erased once', async () => {
    const head = await app.runtime.log.head();
    await erase(person.id);
    const since = (await events(app, head)).map(({ type }) => type);
    expect(since.filter((type) => type.startsWith('user-'))).toEqual([]);
  });

  it('can be who reviewed: their notes go, what the requester wrote was theirs', async () => {
    await erase(reviewer.id);
    const [row] = await rows('select * from request where id = $1', [requestId]);
    expect(row).toMatchObject({ reviewer_name: null, review_note: null, revocation_note: null });
    await verified();
    expect(await replayed()).toEqual([]);
  });
});

describe('who is not erased', () => {
  it.each([
    ['somebody unknown', () => systemIds.ulid(new Date()), 'not-found'],
    ['the built-in administrator', () => app.installation.adminUserId, 'built-in-user'],
  ])('%s', async (_who, userId, code) => {
    const head = await app.runtime.log.head();
    await expect(erase(userId())).rejects.toMatchObject({ code });
    expect(await app.runtime.log.head()).toBe(head);
  });
});
