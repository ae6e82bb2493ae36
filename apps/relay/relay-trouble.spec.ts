import { DeleteTenant, RenameTenant } from '../../libs/tenants/index.js';
import { ConfigurationRefused } from '../../libs/platform/index.js';
import { parseWrappingKeys } from '../../libs/platform/wrapping-key.js';
import { ChangeProfile, RegisterUser } from '../../libs/users/index.js';
import { PATIENCE_MS, until } from '../../libs/testing/until.js';
import { appendRaw, createTenant, type RelayNode, RelayWorld, someContext, tuplesOf } from './relay.fixture.js';

let world: RelayWorld;
let node: RelayNode;

beforeAll(async () => {
  world = await RelayWorld.start({ RELAY_POLL_MS: '60000' });
  node = await world.node('relay');
  node.relay.start();
});

afterAll(async () => {
  await world?.stop();
});

afterEach(async () => {
  await node.runtime.pool.query('delete from parked');
});

const delivered = (position: number, timeoutMs = PATIENCE_MS): Promise<boolean> =>
  node.runtime.progress.waitFor('delivered', position, timeoutMs);
const processed = (position: number): Promise<unknown> =>
  until(async () => {
    const { rows } = await node.runtime.pool.query<{ position: number }>('select position from process_checkpoint');
    return (rows[0]?.position ?? -1) >= position;
  });
const parked = async () =>
  (await node.runtime.pool.query('select id, event_type, stage, position from parked order by position, id')).rows;

it('TW-102 TW-103 is told of what happens: it does not depend on how often it looks', async () => {
  const { position } = await createTenant(node);
  expect(await delivered(position, 2_000)).toBe(true);
});

it('TW-105 does not mind notifications of others', async () => {
  for (const channel of ['event_log', 'event_log_appended', 'relay_progress', 'countersign']) {
    for (const payload of ['', 'nonsense', '{}', '-1']) {
      await node.runtime.pool.query('select pg_notify($1, $2)', [channel, payload]);
    }
  }
  const { position } = await createTenant(node);
  expect(await delivered(position)).toBe(true);
});

describe('P11 SpiceDB away', () => {
  it('TW-107 commands are accepted, and delivered when it is back, without a hand', async () => {
    await world.proxy.refuse();
    const tenant = await createTenant(node);
    expect(await node.runtime.progress.waitFor('projected', tenant.position, PATIENCE_MS)).toBe(true);
    await until(() => node.logged.filter((line) => line.includes('relay tries again')).length > 1);
    expect(await node.runtime.metrics.text()).toMatch(/^countersign_relay_retries_total ([2-9]|\d\d+)$/m);
    expect(await delivered(tenant.position, 0)).toBe(false);
    await world.proxy.accept();
    expect(await delivered(tenant.position)).toBe(true);
    expect(await tuplesOf(node.runtime, 'tenant', tenant.tenantId)).toHaveLength(1);
    expect(await parked()).toEqual([]);
  });

  it('also where connections hang, and are cut', async () => {
    world.proxy.freeze();
    const tenant = await createTenant(node);
    expect(await delivered(tenant.position, 300)).toBe(false);
    world.proxy.cut();
    world.proxy.thaw();
    expect(await delivered(tenant.position)).toBe(true);
  });
});

it('P11 goes on when all its connections to the database break', async () => {
  for (let round = 0; round < 3; round++) {
    const before = await createTenant(node);
    await node.runtime.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    const { position } = await until(() => createTenant(node));
    expect(await delivered(position)).toBe(true);
    expect(await tuplesOf(node.runtime, 'tenant', before.tenantId)).toHaveLength(1);
  }
});

describe('P8 an event that is bad', () => {
  it('TW-108 TW-109 is parked with its audit entry, while the others flow', async () => {
    const tenants = [await createTenant(node)];
    const unknown = await appendRaw(node.runtime, { type: 'never-heard-of.v3' });
    const broken = await appendRaw(node.runtime, { type: 'workspace-created.v1', data: { nothing: 'here' } });
    tenants.push(await createTenant(node));
    expect(await delivered(tenants[1]!.position)).toBe(true);
    for (const { tenantId } of tenants) expect(await tuplesOf(node.runtime, 'tenant', tenantId)).toHaveLength(1);
    expect(await parked()).toEqual([
      { id: unknown.id, event_type: 'never-heard-of.v3', stage: 'event', position: unknown.position },
      { id: broken.id, event_type: 'workspace-created.v1', stage: 'event', position: broken.position },
    ]);
    const ids = [unknown.id, broken.id];
    const { rows } = await node.runtime.pool.query('select 1 from audit_entry where event_id = any($1::uuid[])', [ids]);
    expect(rows).toHaveLength(2);
    expect(node.logged.join('')).toContain('an event is parked; see: operator parked list');
  });

  it('that is parked has nothing follow from it', async () => {
    const tenant = await createTenant(node);
    const broken = await appendRaw(node.runtime, {
      type: 'tenant-renamed.v1',
      data: { tenantId: tenant.tenantId, from: tenant.name, to: 'x', revision: 'many', at: new Date().toISOString() },
    });
    await processed(broken.position);
    expect(await parked()).toMatchObject([{ id: broken.id, stage: 'event' }]);
    const written = await node.runtime.log.readAll(tenant.position, 10);
    expect(written.filter(({ type }) => type === 'tenant-name-released.v1')).toEqual([]);
  });

  it('whose follow-up fails for good is parked, too, and what follows from others goes on', async () => {
    const identity = { issuer: 'i', subject: 's', userId: 'U' };
    const followUps = node.runtime.domain.processes.find(({ name }) => name === 'users')!.followUps as Record<
      string,
      unknown
    >;
    const original = followUps['identity-claimed.v1'];
    followUps['identity-claimed.v1'] = () => {
      throw new TypeError('a mistake in the code');
    };
    const bad = await appendRaw(node.runtime, { type: 'identity-claimed.v1', data: identity });
    const tenant = await createTenant(node);
    await processed(tenant.position);
    followUps['identity-claimed.v1'] = original;
    expect(await parked()).toEqual([
      { id: `${bad.id}/process`, event_type: 'identity-claimed.v1', stage: 'process', position: bad.position },
    ]);
    expect(node.logged.join('')).toContain('what follows from an event is parked');
    const retried = await appendRaw(node.runtime, {
      type: 'parked-retried.v1',
      data: { parkedId: `${bad.id}/process`, tuple: null, operator: 'test', at: new Date().toISOString() },
    });
    await processed(retried.position);
    const registered = (await node.runtime.log.readAll(retried.position, 10)).find(
      ({ type }) => type === 'user-registered.v1',
    );
    expect(registered?.data).toMatchObject({ userId: 'U' });
  });

  it('TW-116 in one process runs in the others, and is tried again in all', async () => {
    const type = 'user-deactivated.v1';
    const concerned = node.runtime.domain.processes.map(({ followUps }) => followUps as Record<string, unknown>);
    const maps = concerned.filter((followUps) => type in followUps);
    const originals = maps.map((followUps) => followUps[type]);
    expect(maps.length).toBeGreaterThan(1);
    const ran: number[] = [];
    for (const [index, followUps] of maps.entries()) followUps[type] = () => (ran.push(index), []);
    maps[0]![type] = () => {
      throw new TypeError('a mistake in the code');
    };
    const data = { userId: 'U', revision: 2, at: new Date().toISOString() };
    const event = await appendRaw(node.runtime, { type, data });
    await processed(event.position);
    const others = [...maps.keys()].slice(1);
    expect(ran.splice(0)).toEqual(others);
    expect(await parked()).toMatchObject([{ id: `${event.id}/process` }]);
    maps[0]![type] = () => (ran.push(0), []);
    const retried = await appendRaw(node.runtime, {
      type: 'parked-retried.v1',
      data: { parkedId: `${event.id}/process`, tuple: null, operator: 'test', at: new Date().toISOString() },
    });
    await processed(retried.position);
    expect(ran).toEqual([0, ...others]);
    for (const [index, followUps] of maps.entries()) followUps[type] = originals[index];
  });

  it('whose follow-up is refused is told in the log, and no more', async () => {
    const claim = { for: 'renaming', previousName: 'x' };
    const bad = await appendRaw(node.runtime, {
      type: 'tenant-name-claimed.v1',
      data: { tenantId: '01JQ0000000000000000000ABC', name: 'y', key: 'y', claim },
    });
    await processed(bad.position);
    expect(await parked()).toEqual([]);
    expect(node.logged.join('')).toContain('what follows from an event was refused');
  });
});

describe('TW-048 TW-054 what a crash interrupted', () => {
  it('is completed by the relay', async () => {
    const other = await world.node('crashing');
    const append = other.runtime.log.append.bind(other.runtime.log);
    let appends = 0;
    Object.defineProperty(other.runtime.log, 'append', {
      value: (...args: Parameters<typeof append>) =>
        appends++ === 0 ? append(...args) : Promise.reject(new Error('killed')),
    });
    await expect(createTenant(other)).rejects.toThrow('killed');
    const claimed = (await node.runtime.log.readAll(-1, 1_000))
      .filter(({ type }) => type === 'tenant-name-claimed.v1')
      .at(-1)!;
    const tenantId = claimed.data['tenantId'] as string;
    await until(async () => (await tuplesOf(node.runtime, 'tenant', tenantId)).length === 1);
    await until(async () => {
      const { rows } = await node.runtime.pool.query('select 1 from tenant where id = $1', [tenantId]);
      return rows.length === 1;
    });
  });

  it('is completed also where it was a deletion', async () => {
    const { tenantId, rootWorkspaceId } = await createTenant(node);
    const other = await world.node('deleting');
    const append = other.runtime.log.append.bind(other.runtime.log);
    let appends = 0;
    Object.defineProperty(other.runtime.log, 'append', {
      value: (...args: Parameters<typeof append>) =>
        appends++ < 2 ? append(...args) : Promise.reject(new Error('killed')),
    });
    node.holdAt('in-transaction');
    await expect(other.bus.execute(new DeleteTenant(someContext(), { tenantId }))).rejects.toThrow('killed');
    node.letGo();
    await until(async () => {
      const types = (await node.runtime.log.readStream(`tenant-${tenantId}`)).map(({ type }) => type);
      return types.includes('tenant-deleted.v1');
    });
    await delivered(await node.runtime.log.head());
    for (const id of [tenantId, rootWorkspaceId]) {
      expect(await tuplesOf(node.runtime, 'tenant', id)).toEqual([]);
      expect(await tuplesOf(node.runtime, 'workspace', id)).toEqual([]);
    }
  });

  it('is completed once, though handler and relay do it at the same time', async () => {
    const { tenantId } = await createTenant(node);
    await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        node.bus
          .execute(new RenameTenant(someContext(), { tenantId, name: `${tenantId} ${name}` }))
          .catch(() => undefined),
      ),
    );
    await processed(await node.runtime.log.head());
    const events = await node.runtime.log.readStream(`tenant-${tenantId}`);
    const renamed = events.filter(({ type }) => type === 'tenant-renamed.v1');
    expect(new Set(renamed.map(({ metadata }) => metadata.commandId)).size).toBe(renamed.length);
  });
});

describe('P8 a relay that was not given every key of personal data', () => {
  it('stops, and says which is missing; nothing is parked, and another one goes on', async () => {
    const [next] = parseWrappingKeys(`next:${Buffer.alloc(32, 'n').toString('base64')}`)!;
    const personalDataKeys = [next, ...node.runtime.config.personalDataKeys] as const;
    const keyed = await world.node('keyed', { personalDataKeys });
    const userId = keyed.runtime.ids.ulid(new Date());
    const input = { userId, externalIdentity: null, profile: { displayName: 'Ann' } };
    await keyed.bus.execute(new RegisterUser(someContext(), input));
    while ((await keyed.runtime.keys.rewrapSome(500)) > 0);
    node.runtime.keys.forgetAll();
    await keyed.bus.execute(new ChangeProfile(someContext(), { userId, displayName: 'Anna' }));
    expect(await until(() => node.relay.failure)).toBeInstanceOf(ConfigurationRefused);
    expect(node.relay.failure!.message).toMatch(/PERSONAL_DATA_KEYS: .* the key next/);
    keyed.relay.start();
    expect(await delivered(await keyed.runtime.log.head())).toBe(true);
    expect(await parked()).toEqual([]);
    const { rows } = await node.runtime.pool.query('select display_name from app_user where id = $1', [userId]);
    expect(rows).toEqual([{ display_name: 'Anna' }]);
  });
});
