import { DeciderRuntime } from '../event-store/index.js';
import { derivedUuid, systemIds } from '../platform/index.js';
import type { Process } from '../projections/index.js';
import { CreateTenant, DeleteTenant, loadTenant, RenameTenant } from '../tenants/index.js';
import { createTestDatabase, type TestDatabase } from '../testing/index.js';
import { DeactivateUser, loadUser, RegisterUser } from '../users/index.js';
import { BootstrapAdmin, type Initialised, initialiseInstallation, InstallationFailed } from './index.js';
import { Instance } from './instance.fixture.js';
import { installation } from './installation.decider.js';
import { INSTALLATION_STREAM } from './installation-stream.js';

const CONFIG = { defaultTenantName: 'default', defaultWorkspaceName: 'Main' };
const FIRST_EVENTS = [
  'installation-initialised.v1',
  'user-registered.v1',
  'system-admin-granted.v1',
  'tenant-name-claimed.v1',
  'workspace-created.v1',
  'tenant-created.v1',
  'tenant-admin-granted.v1',
];

let database: TestDatabase;
let instances: Instance[];

async function start(processes?: readonly Process[]): Promise<Instance> {
  const instance = await Instance.start(database.url, processes);
  instances.push(instance);
  return instance;
}

const initialise = ({ bus, clock }: Instance, config: Parameters<typeof initialiseInstallation>[1] = CONFIG) =>
  initialiseInstallation(bus, config, clock, systemIds);

const idsOf = ({ adminUserId, defaultTenantId, rootWorkspaceId }: Initialised) => ({
  adminUserId,
  defaultTenantId,
  rootWorkspaceId,
});

const runtimeOf = ({ app }: Instance) => app.get(DeciderRuntime);

let commands = 0;
const operator = () => ({
  commandId: derivedUuid('specification', String(commands++)),
  actor: { type: 'system' as const, id: 'operator' },
  authentication: 'operator',
  correlationId: 'specification',
  causationId: null,
  at: '2026-02-01T10:00:00.000Z',
});

beforeEach(async () => {
  database = await createTestDatabase();
  instances = [];
});

afterEach(async () => {
  await Promise.all(instances.map((instance) => instance.close()));
  await database.drop();
});

describe('the first start', () => {
  it('makes an administrator, the default tenant and its root workspace', async () => {
    const instance = await start();
    const { created, adminUserId, defaultTenantId, rootWorkspaceId } = await initialise(instance);
    expect(created).toBe(true);
    expect(await instance.eventTypes()).toEqual(FIRST_EVENTS);
    expect(await loadTenant(runtimeOf(instance), defaultTenantId)).toMatchObject({
      name: 'default',
      rootWorkspaceId,
      admins: { [adminUserId]: { creation: null } },
    });
    const events = await instance.log.readStream(`workspaces-${defaultTenantId}`);
    expect(events[0]!.data).toMatchObject({ workspaceId: rootWorkspaceId, name: 'Main', parentId: null });
  });

  it('names the root workspace like the tenant where nothing else is configured', async () => {
    const instance = await start();
    const { defaultTenantId } = await initialise(instance, {
      defaultTenantName: 'Acme',
      defaultWorkspaceName: undefined,
    });
    const events = await instance.log.readStream(`workspaces-${defaultTenantId}`);
    expect(events[0]!.data).toMatchObject({ name: 'Acme' });
  });

  it('happens once when four instances start at once, and all of them can go on', async () => {
    const started = await Promise.all([start(), start(), start(), start()]);
    const results = await Promise.all(started.map((instance) => initialise(instance)));
    expect(results.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(results.map((result) => JSON.stringify(idsOf(result)))).size).toBe(1);
    expect([...(await started[0]!.eventTypes())].sort()).toEqual([...FIRST_EVENTS].sort());
    for (const instance of started) {
      const { state } = await runtimeOf(instance).load(INSTALLATION_STREAM, installation);
      expect(state.admins).toEqual([results[0]!.adminUserId]);
    }
  });

  it('is completed by the next one after a crash', async () => {
    const crashed = await start([]);
    const first = await initialise(crashed);
    expect(await crashed.eventTypes()).toEqual(['installation-initialised.v1']);
    const instance = await start();
    expect(await initialise(instance, { ...CONFIG, defaultTenantName: 'another' })).toMatchObject({
      ...idsOf(first),
      created: false,
    });
    expect(await instance.eventTypes()).toEqual(FIRST_EVENTS);
    expect(await loadTenant(runtimeOf(instance), first.defaultTenantId)).toMatchObject({ name: 'default' });
  });

  it('TW-124 fails with a clear error where another tenant has the name, and goes on with a free one', async () => {
    const instance = await start();
    const [tenantId, rootWorkspaceId] = [systemIds.ulid(new Date(0)), systemIds.ulid(new Date(1))];
    const holder = { tenantId, name: 'Default', rootWorkspaceId, rootWorkspaceName: 'Root', creatorId: null };
    await instance.bus.execute(new CreateTenant(operator(), holder));
    await expect(initialise(instance)).rejects.toThrow(InstallationFailed);
    await expect(initialise(instance)).rejects.toThrow('Set DEFAULT_TENANT_NAME to a free name');
    const { defaultTenantId } = await initialise(instance, { ...CONFIG, defaultTenantName: 'headquarters' });
    expect(await loadTenant(runtimeOf(instance), defaultTenantId)).toMatchObject({ name: 'headquarters' });
  });
});

describe('a later start', () => {
  it.each([
    ['nothing', async () => {}],
    [
      'the default tenant was renamed',
      async ({ bus }: Instance, tenantId: string) =>
        bus.execute(new RenameTenant(operator(), { tenantId, name: 'Renamed' })),
    ],
    [
      'the default tenant was deleted',
      async ({ bus }: Instance, tenantId: string) => bus.execute(new DeleteTenant(operator(), { tenantId })),
    ],
  ])('changes nothing after %s happened, whatever is configured now', async (_what, happen) => {
    const instance = await start();
    const first = await initialise(instance);
    await happen(instance, first.defaultTenantId);
    const before = await instance.eventTypes();
    const again = await start();
    for (const config of [CONFIG, { defaultTenantName: 'other', defaultWorkspaceName: 'names' }]) {
      again.clock.advance(60_000);
      expect(await initialise(again, config)).toMatchObject({ ...idsOf(first), created: false });
    }
    expect(await again.eventTypes()).toEqual(before);
  });
});

describe('an operator who makes somebody a system admin', () => {
  const externalIdentity = { issuer: 'https://id.example.org', subject: 'ada' };
  const bootstrap = (userId: string) =>
    new BootstrapAdmin(operator(), { userId, externalIdentity, displayName: 'Ada' });
  const [ada, other] = ['01JQ0000000000000000000ADA', '01JQ0000000000000000000B0B'];

  it('registers the user, once', async () => {
    const instance = await start();
    expect(await instance.bus.execute(bootstrap(ada))).toMatchObject({ resource: { userId: ada } });
    expect(await instance.bus.execute(bootstrap(other))).toMatchObject({ resource: { userId: ada } });
    expect(await instance.eventTypes()).toEqual([
      'identity-claimed.v1',
      'user-registered.v1',
      'system-admin-granted.v1',
    ]);
  });

  it('takes the user who has the identity already, also where a crash came before their registration', async () => {
    const crashed = await start([]);
    const register = new RegisterUser(operator(), { userId: ada, externalIdentity, profile: { displayName: 'A.' } });
    await expect(crashed.bus.execute(register)).rejects.toThrow('not-found');
    const instance = await start();
    expect(await instance.bus.execute(bootstrap(other))).toMatchObject({ resource: { userId: ada } });
    expect(await loadUser(runtimeOf(instance), ada)).toMatchObject({ displayName: 'A.', externalIdentity });
  });

  it('is refused for a user who was deactivated, who is no system admin any more', async () => {
    const instance = await start();
    await instance.bus.execute(bootstrap(ada));
    await instance.bus.execute(new DeactivateUser(operator(), { userId: ada }));
    expect((await instance.eventTypes()).slice(-2)).toEqual(['user-deactivated.v1', 'system-admin-ended.v1']);
    await expect(instance.bus.execute(bootstrap(other))).rejects.toThrow('user-inactive');
  });

  it('cannot get rid of the built-in administrator', async () => {
    const instance = await start();
    const { adminUserId } = await initialise(instance);
    const deactivate = new DeactivateUser(operator(), { userId: adminUserId });
    await expect(instance.bus.execute(deactivate)).rejects.toThrow('built-in-user');
  });
});
