import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { compiledPath } from '../../libs/embedded/index.js';
import { NO_STREAM, type StoredEvent } from '../../libs/event-store/index.js';
import { anEvent, someMetadata } from '../../libs/testing/event-builders.js';
import { until } from '../../libs/testing/index.js';
import type { Report } from '../../libs/verification/index.js';
import { OperatorWorld, runOperator, startProduct } from './operator.fixture.js';
import type { Status } from './status.js';

let world: OperatorWorld;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-operator-'));
  world = await OperatorWorld.start();
});
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

const failures = ({ checks }: Report): string[] => checks.filter(({ ok }) => !ok).map(({ name }) => name);

describe('before the tables are there', () => {
  it('commands say what to run, without a stack', async () => {
    const { code, out, errors } = await runOperator(['status'], world.env);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(errors).toMatch(/Run: operator migrate\n$/);
    expect(errors).not.toMatch(/\n +at /);
  });

  it('migrate makes them, writes the schema beside that of others, and does nothing twice', async () => {
    await world.spicedb.writeSchema('definition other/thing {\n\trelation owner: other/thing\n}');
    const first = await world.asked<{ applied: string[]; schema: string }>('migrate');
    expect(first).toMatchObject({ code: 0, schema: 'written' });
    expect(first.applied).toContain('0001_event_log');
    expect(await world.asked('migrate')).toEqual({ code: 0, applied: [], schema: 'unchanged' });
    expect(await world.spicedb.readSchema()).toContain('definition other/thing');
    expect(await world.spicedb.readSchema()).toContain('definition workspace');
  });

  it('migrate refuses to remove a relation that is in use', async () => {
    const older = (await world.schema()).replace('definition tenant {', 'definition tenant {\n\trelation former: user');
    await world.spicedb.writeSchema(older);
    const tuple = 'tenant:old#former@user:old';
    await world.spicedb.write([{ operation: 'touch', tuple, expiresAt: null }]);
    const { code, errors } = await world.operator('migrate');
    expect(code).toBe(1);
    expect(errors).toContain('former');
    expect(errors).toContain('still in use');
    await world.spicedb.write([{ operation: 'delete', tuple, expiresAt: null }]);
    expect(await world.asked('migrate')).toMatchObject({ code: 0, schema: 'written' });
  });
});

describe('on a running installation', () => {
  beforeAll(() => world.live());

  it('status tells that all is well, and how far everything is', async () => {
    const head = await world.runtime.log.head();
    const status = await world.asked<Status>('status');
    expect(status).toMatchObject({
      code: 0,
      log: { head, incarnation: await world.runtime.log.incarnation() },
      relay: { checkpoint: head, lagEvents: 0, lagSeconds: 0, lease: { owner: expect.any(String) } },
      delivery: { delivered: head, undelivered: 0, spicedb: 'answers' },
      ...{ parked: { events: 0, relationships: 0, followUps: 0 }, replays: [], outdated: [], pendingMigrations: [] },
    });
    expect(status.relay.lease!.expiresInSeconds).toBeGreaterThan(0);
  });

  it('TW-115 status counts what a relay that is away has not done', async () => {
    await world.stopRelay();
    expect(await world.operator('bootstrap-admin', '--issuer', 'i', '--subject', 'late')).toMatchObject({ code: 0 });
    const { code, relay } = await world.asked<Status>('status');
    expect({ code, lag: relay.lagEvents, more: relay.lagMore, lease: relay.lease }).toEqual({
      ...{ code: 1, lag: 3, more: false, lease: null },
    });
    expect(relay.lagSeconds).toBeGreaterThan(0);
    world.startRelay();
    await world.delivered();
  });

  it('status asks for a replay where rows are of another version of the code', async () => {
    await world.rows(`update read_model_version set version = 0 where model = 'tenants'`);
    const { code, out } = await world.operator('status');
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('run: operator replay tenants') });
    expect(await world.asked('replay', 'tenants')).toMatchObject({ code: 0, models: ['tenants'] });
    expect(await world.asked('status')).toMatchObject({ code: 0, outdated: [] });
  });

  it('TW-133 verify finds rows that were changed, and replay puts them right', async () => {
    expect(await world.asked<Report>('verify')).toMatchObject({ code: 0, ok: true });
    await world.rows(`update tenant set name = 'edited'; delete from workspace; delete from relationship_source`);
    const found = await world.asked<Report>('verify');
    expect(found.code).toBe(1);
    expect(failures(found).sort()).toEqual(['read model tenant', 'read model workspace', 'wanted relationships']);
    const { code, out } = await world.operator('replay', 'all', '--batch-size', '2');
    expect(code).toBe(0);
    expect(out).toMatch(/tenant: 1 rows; before, 1 were wrong, 0 were missing, 0 were too many/);
    expect(out).toMatch(/workspace: 1 rows; before, 0 were wrong, 1 were missing/);
    expect(await world.operator('replay', 'relationships', '--full-speed')).toMatchObject({ code: 0 });
    expect(await world.asked('verify')).toMatchObject({ code: 0 });
  });

  it('TW-132 repair makes SpiceDB hold what is wanted, once, on the record', async () => {
    const before = await world.relationships('tenant');
    const [gone] = before as [string];
    const extra = `tenant:01JQ0000000000000000000T01#admin@user:01JQ0000000000000000000A01`;
    await world.spicedb.write([
      { operation: 'delete', tuple: gone, expiresAt: null },
      { operation: 'touch', tuple: extra, expiresAt: null },
    ]);
    const found = await world.asked<Report>('verify');
    expect(failures(found)).toEqual(['relationships in SpiceDB']);
    const { differences } = found.checks.find(({ ok }) => !ok)!;
    expect(differences).toHaveLength(2);
    expect(differences).toContainEqual(expect.objectContaining({ kind: 'extra', subject: extra }));
    const event = { position: expect.any(Number), type: expect.stringMatching(/^tenant-/) };
    expect(differences).toContainEqual(
      expect.objectContaining({ kind: 'missing', subject: gone, event: expect.objectContaining(event) }),
    );
    expect(await world.asked('repair')).toMatchObject({ code: 0, missing: 1, extra: 1, refused: [] });
    expect(await world.relationships('tenant')).toEqual(before);
    expect(await world.asked('repair')).toMatchObject({ code: 0, position: null });
    await world.delivered();
    const [entry] = await world.rows<{ event: string }>(
      `select event from audit_entry where action = 'relationships.repaired'`,
    );
    expect(entry!.event).not.toContain('olga');
    const [opened] = await world.runtime.domain.registry.open([JSON.parse(entry!.event) as StoredEvent]);
    expect(opened!.metadata.personal).toEqual({ actorName: 'olga' });
  });

  it('bootstrap-admin makes one admin, however often it is asked', async () => {
    const asked = (): Promise<{ code: number; userId: string; effective: boolean }> =>
      world.asked('bootstrap-admin', '--issuer', 'https://id.example.org', '--subject', 'ada', '--display-name', 'Ada');
    const first = await asked();
    expect(first).toMatchObject({ code: 0, effective: true });
    expect(await asked()).toEqual(first);
    expect(await world.relationships('system')).toContain(`system:installation#admin@user:${first.userId}`);
  });

  it('TW-114 a parked relationship is delivered again as it is wanted now, on the record', async () => {
    const [tuple] = (await world.relationships('workspace')) as [string];
    await world.spicedb.write([{ operation: 'delete', tuple, expiresAt: null }]);
    await park('7/a', 'delivery', tuple);
    const listed = await world.asked<{ items: object[] }>('parked', 'list');
    expect(listed).toMatchObject({ code: 1, items: [{ id: '7/a', tuple, status: 'parked' }] });
    expect(await world.asked('status')).toMatchObject({ code: 1, parked: { relationships: 1 } });
    expect(await world.asked('parked', 'retry', '7/a')).toMatchObject({ code: 0, done: true, refusedAgain: false });
    expect(await world.relationships('workspace')).toContain(tuple);
    expect(await world.asked('parked', 'list')).toEqual({ code: 0, items: [] });
    expect(await world.asked('parked', 'list', '--all')).toMatchObject({
      code: 0,
      items: [{ id: '7/a', status: 'retried', resolvedBy: 'olga', resolvedAt: expect.any(String) }],
    });
    expect(await world.rows(`select 1 as entry from audit_entry where action = 'parked.retried'`)).toHaveLength(1);
    const again = await world.operator('parked', 'retry', '7/a');
    expect(again).toMatchObject({ code: 1, errors: expect.stringContaining('settled already') });
  });

  it('a parked relationship that SpiceDB refuses again is parked again', async () => {
    const tuple = 'tenant:01JQ0000000000000000000T09#nobody_knows@user:u';
    await park('8/a', 'delivery', tuple);
    expect(await world.asked('parked', 'retry', '8/a')).toMatchObject({ code: 1, refusedAgain: true });
    const { items } = await world.asked<{ items: { id: string }[] }>('parked', 'list');
    expect(items).toMatchObject([{ tuple, error: expect.stringContaining('nobody_knows') }]);
    expect(await world.asked('parked', 'discard', items[0]!.id, '--operator', 'oscar')).toMatchObject({ code: 0 });
    expect(await world.asked('parked', 'list')).toMatchObject({ code: 0, items: [] });
  });

  it('a parked event counts once a version can apply it, and has its effect with the next replay', async () => {
    await world.runtime.log.append('unknown', NO_STREAM, [anEvent({ type: 'unknown-happened.v1' })]);
    const at = '2026-01-01T00:00:00.000Z';
    const [tenantId, rootWorkspaceId] = ['01JQ0000000000000000000T07', '01JQ0000000000000000000W07'];
    const granted = { tenantId, rootWorkspaceId, userId: 'u', source: 's', until: null, replacesMember: false, at };
    const event = anEvent({ type: 'tenant-admin-granted.v1', data: granted, metadata: someMetadata({ tenantId }) });
    await world.runtime.log.append('understood', NO_STREAM, [event]);
    await world.delivered();
    const { items } = await world.asked<{ items: { id: string; eventType: string }[] }>('parked', 'list');
    expect(items).toMatchObject([{ eventType: 'unknown-happened.v1', stage: 'event' }]);
    const unknown = items[0]!.id;
    expect(await world.operator('parked', 'retry', unknown)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('This version cannot apply the event either'),
    });
    await asThoughParked('tenant-admin-granted.v1', tenantId);
    expect(await world.asked('verify')).toMatchObject({ code: 0 });
    const [parked] = (await world.asked<{ items: { id: string }[] }>('parked', 'list')).items.filter(
      ({ id }) => id !== unknown,
    );
    expect(await world.operator('parked', 'retry', parked!.id)).toMatchObject({
      code: 0,
      out: expect.stringContaining('Now run: operator replay all, operator replay relationships, operator repair'),
    });
    expect(failures(await world.asked<Report>('verify'))).toContain('wanted relationships');
    for (const args of [['replay', 'all'], ['replay', 'relationships'], ['repair']]) {
      expect(await world.operator(...args)).toMatchObject({ code: 0 });
    }
    expect(await world.relationships('tenant')).toContain(`tenant:${tenantId}#admin@user:u`);
    expect(await world.asked('verify')).toMatchObject({ code: 0 });
    expect(await world.asked('parked', 'discard', unknown)).toMatchObject({ code: 0 });
  });

  it('an exported trail is whole, and every change to it shows', async () => {
    const [file, packed] = [join(folder, 'trail.jsonl'), join(folder, 'trail.jsonl.gz')];
    const exported = await world.asked<{ entries: number }>('export-audit', '--out', file);
    const [{ entries }] = (await world.rows<{ entries: number }>('select count(*) as entries from audit_entry')) as [
      { entries: number },
    ];
    expect(exported).toEqual({ code: 0, file, entries });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await world.operator('export-audit', '--out', packed, '--gzip')).toMatchObject({ code: 0 });
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    const unpacked = gunzipSync(await readFile(packed)).toString();
    expect(unpacked.trimEnd().split('\n').slice(1)).toEqual(lines.slice(1));
    const { out } = await world.operator('export-audit', '--chain', 'system');
    expect(out.trimEnd().split('\n').length).toBeLessThan(lines.length);

    const verify = (...args: string[]) => world.run(['verify-export', ...args]);
    expect(await verify(packed, '--heads', file)).toMatchObject({ code: 0 });
    const renamed = join(folder, 'earlier-trail');
    await copyFile(packed, renamed);
    expect(await verify(file, '--heads', renamed)).toMatchObject({ code: 0 });
    const damaged = join(folder, 'damaged.gz');
    await writeFile(damaged, (await readFile(packed)).subarray(0, 40));
    expect(await verify(file, '--heads', damaged)).toMatchObject({ code: 2 });
    expect(await verify(file, '--heads', folder)).toMatchObject({
      code: 2,
      errors: expect.stringContaining("can't be read"),
    });
    const cut = join(folder, 'cut.jsonl');
    await writeFile(cut, lines.slice(0, -1).join('\n'));
    expect(await verify(cut)).toMatchObject({ code: 1, out: expect.stringMatching(/^cut: /) });
    const inside = lines.findIndex((line) => line.startsWith('{"chain":"system","sequence":2,'));
    await writeFile(cut, lines.filter((_, index) => index !== inside).join('\n'));
    expect(await verify(cut, '--json')).toMatchObject({ code: 1, out: expect.stringContaining('"kind":"removed"') });
    expect(await verify(join(folder, 'nothing'))).toMatchObject({ code: 2 });
    expect(await world.operator('export-audit', '--chain', 'nobody')).toMatchObject({ code: 2 });
  });
});

async function park(id: string, stage: string, tuple: string | null): Promise<void> {
  await world.rows(
    `insert into parked (id, partition, position, event_id, event_type, stage, tuple, error)
     values ($1, 0, 7, gen_random_uuid(), 'spec-happened.v1', $2, $3, 'refused by the spec')`,
    [id, stage, tuple],
  );
}

/** As an earlier version of the relay would have left it that could not apply the event. */
async function asThoughParked(type: string, tenantId: string): Promise<void> {
  await world.rows(
    `insert into parked (id, partition, position, event_id, event_type, stage, error)
     select event_id::text, 0, position, event_id, $1, 'event', 'unknown' from audit_entry
     where tenant_id = $2 and action = 'tenant.admin-granted'`,
    [type, tenantId],
  );
  await world.rows('delete from assignment where tenant_id = $1', [tenantId]);
  await world.rows('delete from relationship_source where tenant_id = $1', [tenantId]);
  const tuples = [...(await world.relationships('tenant')), ...(await world.relationships('workspace'))];
  for (const tuple of tuples.filter((name) => name.endsWith('@user:u'))) {
    await world.spicedb.write([{ operation: 'delete', tuple, expiresAt: null }]);
  }
}

describe('what is called wrongly or does not answer', () => {
  it.each([
    ['an unknown command', ['frobnicate'], {}, 2],
    ['an option that is missing', ['bootstrap-admin', '--issuer', 'i'], {}, 2],
    ['a subject that no token can have', ['bootstrap-admin', '--issuer', 'i', '--subject', 'a\tb'], {}, 2],
    ['a subject that is empty', ['bootstrap-admin', '--issuer', 'i', '--subject', ''], {}, 2],
    ['an issuer that is empty', ['bootstrap-admin', '--issuer', '', '--subject', 's'], {}, 2],
    ['a name that is blank', ['bootstrap-admin', '--issuer', 'i', '--subject', 's', '--display-name', ' '], {}, 2],
    ['an operator that is nobody', ['repair', '--operator', ''], {}, 2],
    [
      'an issuer whose tokens are not accepted',
      ['bootstrap-admin', '--issuer', 'https://id.example.org/', '--subject', 's'],
      { OIDC_ISSUER: 'https://id.example.org', OIDC_AUDIENCE: 'a' },
      2,
    ],
    ['a folder for a file', ['verify-export', '/'], {}, 2],
    ['a file in a folder that is not there', ['export-audit', '--out', '/nonexistent/folder/trail'], {}, 2],
    ['a batch size that is none', ['replay', 'all', '--batch-size', 'many'], {}, 2],
    ['a configuration that can not be used', ['status'], { DATABASE_URL: 'mysql://x' }, 2],
    ['a database that is not there', ['status'], { DATABASE_URL: 'postgres://u:hidden@127.0.0.1:9/d' }, 3],
    ['a SpiceDB that is not there', ['verify'], { SPICEDB_ENDPOINT: '127.0.0.1:9' }, 3],
    ['a read model that does not exist', ['replay', 'nothing'], {}, 2],
    ['a data folder without an installation', ['status'], { DATABASE_URL: '', DATA_DIR: '/nonexistent/folder' }, 2],
  ])('%s', async (_what, args, env, code) => {
    const ran = await world.run(args, env);
    expect(ran).toMatchObject({ code, out: '', errors: expect.stringMatching(/\w/) });
    expect(ran.errors).not.toMatch(/\n +at |hidden/);
  });

  it.each([
    ['an unknown option', ['status', '--json', '--bogus'], "unknown option '--bogus'"],
    ['an argument that is missing', ['erase', '--json'], "missing required argument 'user'"],
    ['an option that is missing', ['bootstrap-admin', '--json'], "required option '--issuer <issuer>'"],
    ['an argument too many', ['verify', 'all', '--json'], 'too many arguments'],
    ['an unknown command', ['frobnicate', '--json'], 'frobnicate'],
    ['a place where --json is not known', ['parked', '--json'], "unknown option '--json'"],
  ])('is told as JSON, and as nothing else, where that is asked for: %s', async (_what, args, message) => {
    const { code, out, errors } = await world.run(args);
    expect({ code, errors }).toEqual({ code: 2, errors: '' });
    expect(JSON.parse(out)).toEqual({ error: { exitCode: 2, message: expect.stringContaining(message) } });
  });

  it('is told in one line where nobody reads a trail to its end', async () => {
    const child = spawn(process.execPath, [compiledPath('apps/operator/main.js'), 'export-audit'], {
      env: { ...process.env, ...world.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect({ code, errors }).toEqual({ code: 1, errors: 'Nobody read the output to its end.\n' });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('is one JSON document also where %s ends it', async (signal) => {
    const client = await world.runtime.pool.connect();
    await client.query('begin; lock table parked in access exclusive mode');
    const child = spawn(process.execPath, [compiledPath('apps/operator/main.js'), 'parked', 'list', '--json'], {
      env: { ...process.env, ...world.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
    await until(async () => (await world.rows(waiting)).length > 0);
    child.kill(signal);
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    await client.query('rollback');
    client.release();
    expect({ code, ...JSON.parse(out) }).toMatchObject({
      code: 130,
      error: { exitCode: 130, message: expect.stringMatching(/^Stopped/) },
    });
  });

  it('is told as JSON where that is asked for', async () => {
    const { code, error } = await world.asked<{ error: object }>('replay', 'nothing');
    expect({ code, error }).toEqual({
      code: 2,
      error: { exitCode: 2, message: expect.stringContaining('there are: all, ') },
    });
  });

  it.each([
    ['nobody', { SPICEDB_ENDPOINT: '127.0.0.1:9' }, /does not answer: SpiceDB at 127\.0\.0\.1:9/],
    [
      'one with another key',
      { SPICEDB_PRESHARED_KEY: 'of-another-spicedb' },
      /does not answer: .+invalid preshared key/,
    ],
  ])('status tells of the rest, and why, where SpiceDB is %s', async (_who, env, why) => {
    expect(await world.run(['status'], env)).toMatchObject({ code: 1, out: expect.stringMatching(why) });
  });

  it('--help says what a command is for and how it exits', async () => {
    const names = 'migrate status replay verify repair bootstrap-admin export-audit verify-export import'.split(' ');
    const helps = await Promise.all(names.map((name) => world.run([name, '--help'])));
    for (const { code, out } of helps)
      expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/Exits with/) });
  });
});

describe('on a data folder', () => {
  const stops: (() => Promise<void>)[] = [];

  afterAll(() => Promise.all(stops.map((stop) => stop())));

  it('works on the parts that run, on parts of its own when they do not, and leaves nothing running', async () => {
    const env = { DATA_DIR: join(folder, 'data'), PORT: '0', SPICEDB_PORT: '0', LOG_LEVEL: 'silent' };
    const stop = await startProduct(env);
    stops.push(stop);
    const running = await runOperator(['status', '--json'], env);
    expect({ ...running, out: JSON.parse(running.out) }).toMatchObject({
      code: 0,
      out: { delivery: { spicedb: 'answers' } },
    });
    await stop();
    const atRest = await runOperator(['status', '--json'], env);
    expect({ ...atRest, out: JSON.parse(atRest.out) }).toMatchObject({
      ...{ code: 1, out: { relay: { lease: null }, delivery: { spicedb: 'is not running' } } },
    });
    expect(await runOperator(['verify'], env)).toMatchObject({ code: 0 });
    expect(await runOperator(['replay', 'all'], env)).toMatchObject({ code: 0 });
    const stopAgain = await startProduct(env);
    stops.push(stopAgain);
    await stopAgain();
  });
});
