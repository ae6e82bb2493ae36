import { CommandBus } from '@nestjs/cqrs';
import { RelayWorld, tuplesOf } from '../../apps/relay/relay.fixture.js';
import { createCommandContext } from '../../apps/relay/start-relay.js';
import { initialiseInstallation } from '../../libs/installation/index.js';
import { createLogger, loadConfig } from '../../libs/platform/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { PATIENCE_MS } from '../../libs/testing/until.js';
import { closeRuntime, openRuntime } from '../../libs/wiring/index.js';
import { aUserWithToken, checkedApp, done, events, relationships, relationshipsNaming } from './world.js';

let app: TestApp;

checkedApp(
  async () => (app = await startTestApp({ env: { DEFAULT_TENANT_NAME: 'Home', DEFAULT_WORKSPACE_NAME: 'Main' } })),
);

/** What an instance does when it starts beside this one. */
async function startAnother(env: Parameters<typeof initialiseInstallation>[1]) {
  const runtime = await openRuntime(app.runtime.config, { name: 'another' });
  const context = await createCommandContext(runtime, createLogger({ level: 'silent', name: 'another' }));
  try {
    return await initialiseInstallation(context.get(CommandBus), env, runtime.clock, runtime.ids);
  } finally {
    await context.close();
    await closeRuntime(runtime);
  }
}

describe('the first start', () => {
  it('TW-120 makes the default tenant with its root workspace, and their relationships', async () => {
    const { defaultTenantId: tenant, rootWorkspaceId: root, adminUserId: admin, created } = app.installation;
    expect(created).toBe(true);
    expect((await app.admin.get(`/v1/tenants/${tenant}`)).body).toMatchObject({ name: 'Home', rootWorkspaceId: root });
    expect(await relationshipsNaming(app, tenant)).toEqual([
      `tenant:${tenant}#admin@user:${admin}`,
      `tenant:${tenant}#root_workspace@workspace:${root}`,
      `workspace:${root}#creator_tenant@tenant:${tenant}`,
      `workspace:${root}#tenant@tenant:${tenant}`,
    ]);
    expect(await relationships(app, 'system')).toEqual([`system:installation#admin@user:${admin}`]);
  });

  it('TW-047 TW-125 names root workspaces as configured, also those of later tenants', async () => {
    const user = await aUserWithToken(app);
    const later = await done(user.post('/v1/tenants', { name: 'later' }));
    for (const [by, tenant, root] of [
      [app.admin, app.installation.defaultTenantId, app.installation.rootWorkspaceId],
      [user, later.body.id, later.body.rootWorkspaceId],
    ] as const) {
      const answer = await by.get(`/v1/tenants/${tenant as string}/workspaces/${root as string}`);
      expect(answer.body).toMatchObject({ name: 'Main', isRoot: true });
    }
  });

  it('gives the administrator the installation: who is none can’t register users', async () => {
    const user = await aUserWithToken(app);
    expect((await user.post('/v1/users', { displayName: 'x' })).status).toBe(403);
    expect((await app.admin.get('/v1/me')).body).toMatchObject({ id: app.installation.adminUserId, systemAdmin: true });
  });
});

describe('a later start', () => {
  it('TW-122 TW-123 changes nothing, three times in a row and four at once', async () => {
    await app.settled();
    const before = { events: (await events(app)).length, tuples: await relationships(app, 'tenant') };
    const again = { defaultTenantName: 'Home', defaultWorkspaceName: 'Main' };
    const found = [
      await startAnother(again),
      await startAnother(again),
      await startAnother({ defaultTenantName: 'Other', defaultWorkspaceName: undefined }),
    ];
    found.push(...(await Promise.all([1, 2, 3, 4].map(() => startAnother(again)))));
    const { position: _position, ...installation } = app.installation;
    for (const seen of found) expect(seen).toMatchObject({ ...installation, created: false });
    expect({ events: (await events(app)).length, tuples: await relationships(app, 'tenant') }).toEqual(before);
  });
});

describe('four first starts at once', () => {
  it('TW-123 make one tenant with one root workspace and one administrator, and all of them go on', async () => {
    const world = await RelayWorld.start();
    try {
      const nodes = await Promise.all(['a', 'b', 'c', 'd'].map((name) => world.node(name)));
      for (const { relay } of nodes) relay.start();
      const env = { defaultTenantName: 'Home', defaultWorkspaceName: undefined };
      const found = await Promise.all(
        nodes.map(({ bus, runtime }) => initialiseInstallation(bus, env, runtime.clock, runtime.ids)),
      );
      const { defaultTenantId, rootWorkspaceId, adminUserId } = found[0]!;
      for (const one of found) expect(one).toMatchObject({ defaultTenantId, rootWorkspaceId, adminUserId });
      expect(found.filter(({ created }) => created)).toHaveLength(1);
      const { runtime } = nodes[0]!;
      expect(await runtime.progress.waitFor('delivered', await runtime.log.head(), PATIENCE_MS)).toBe(true);
      const types = (await runtime.log.readAll(-1, 100)).map(({ type }) => type);
      for (const noun of ['installation-initialised', 'user-registered', 'tenant-created', 'workspace-created']) {
        expect(types.filter((type) => type === `${noun}.v1`)).toHaveLength(1);
      }
      expect(await tuplesOf(runtime, 'tenant', '')).toEqual([
        `tenant:${defaultTenantId}#admin@user:${adminUserId}`,
        `tenant:${defaultTenantId}#root_workspace@workspace:${rootWorkspaceId}`,
      ]);
    } finally {
      await world.stop();
    }
  });
});

it.each([
  ['RELAY_MAX_BATCH', '0'],
  ['RELAY_POLL_MS', '-1'],
  ['DELIVERY_MAX_UPDATES', '0'],
  ['DELIVERY_MAX_UPDATES', '901'],
])('TW-113 does not start with %s=%s', (variable, value) => {
  expect(() => loadConfig({ [variable]: value }, { mode: 'standalone' })).toThrow(variable);
});
