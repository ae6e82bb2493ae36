import { LogRestored } from '../../libs/event-store/index.js';
import { PATIENCE_MS, until } from '../../libs/testing/until.js';
import { appendRaw, createTenant, type RelayNode, RelayWorld, tuplesOf } from './relay.fixture.js';

let world: RelayWorld;
let first: RelayNode;
let second: RelayNode;

beforeEach(async () => {
  world = await RelayWorld.start();
  [first, second] = [await world.node('first'), await world.node('second')];
});

afterEach(async () => {
  await world?.stop();
});

const delivered = (node: RelayNode, position: number): Promise<boolean> =>
  node.runtime.progress.waitFor('delivered', position, PATIENCE_MS);
/** Starts both, and answers with the one that is active and the other. */
async function startBoth(): Promise<[active: RelayNode, standby: RelayNode]> {
  first.relay.start();
  await until(() => first.relay.active);
  second.relay.start();
  return [first, second];
}
/** Each event has one audit entry, and SpiceDB its relationships. */
async function expectOnce(
  node: RelayNode,
  tenants: readonly { tenantId: string; rootWorkspaceId: string }[],
): Promise<void> {
  const { rows } = await node.runtime.pool.query(
    `select count(*)::int as entries, (select count(*)::int from event_log.event where type not like 'audit-%') as events
     from audit_entry`,
  );
  expect(rows[0].entries).toBe(rows[0].events);
  for (const { tenantId, rootWorkspaceId } of tenants) {
    expect(await tuplesOf(node.runtime, 'tenant', tenantId)).toEqual([
      `tenant:${tenantId}#root_workspace@workspace:${rootWorkspaceId}`,
    ]);
    expect(await tuplesOf(node.runtime, 'workspace', tenantId)).toHaveLength(2);
  }
}

describe('of two relays', () => {
  it('TW-111 one is active; the other takes over when it stops', async () => {
    const [active, standby] = await startBoth();
    const before = await createTenant(active);
    expect(await delivered(standby, before.position)).toBe(true);
    expect(standby.relay.active).toBe(false);
    await active.relay.stop();
    await until(() => standby.relay.active);
    const after = await createTenant(standby);
    expect(await delivered(standby, after.position)).toBe(true);
    await expectOnce(standby, [before, after]);
  });

  it('the other takes over within seconds when one is frozen; that one does nothing when it is back', async () => {
    const [active, standby] = await startBoth();
    active.freeze();
    await until(() => standby.relay.active);
    const tenant = await createTenant(standby);
    expect(await delivered(standby, tenant.position)).toBe(true);
    await expectOnce(standby, [tenant]);
  });

  it('one that is frozen in its transaction loses it: PostgreSQL takes nothing from it any more', async () => {
    const [active, standby] = await startBoth();
    await createTenant(active).then(({ position }) => delivered(active, position));
    active.holdAt('in-transaction');
    const tenant = await createTenant(active);
    await active.held();
    active.freeze();
    await until(() => standby.relay.active);
    expect(await delivered(standby, tenant.position)).toBe(true);
    active.letGo();
    await until(() => !active.relay.active);
    const later = await createTenant(standby);
    expect(await delivered(standby, later.position)).toBe(true);
    await expectOnce(standby, [tenant, later]);
  });

  it('one that is frozen before its write to SpiceDB writes nothing over what came later', async () => {
    const [active, standby] = await startBoth();
    active.holdAt('before-delivery');
    const tenant = await createTenant(active);
    await active.held();
    active.freeze();
    await until(() => standby.relay.active);
    expect(await delivered(standby, tenant.position)).toBe(true);
    const gone = `tenant:${tenant.tenantId}#root_workspace@workspace:${tenant.rootWorkspaceId}`;
    const { position } = await appendRaw(standby.runtime, {
      type: 'workspace-deleted.v1',
      data: {
        workspaceId: tenant.rootWorkspaceId,
        tenantId: tenant.tenantId,
        name: 'x',
        parentId: null,
        at: new Date().toISOString(),
      },
    });
    expect(await delivered(standby, position)).toBe(true);
    active.letGo();
    await until(() => !active.relay.active);
    expect(await tuplesOf(standby.runtime, 'tenant', tenant.tenantId)).not.toContain(gone);
    const marks = await tuplesOf(standby.runtime, 'relay_mark', '');
    expect(marks).toEqual([expect.stringContaining(`relay_mark:p0#position@relay_mark:${position}_`)]);
  });
});

describe('a relay', () => {
  it('goes on where another one was, and misses nothing that came in between', async () => {
    first.relay.start();
    const before = await createTenant(first);
    expect(await delivered(first, before.position)).toBe(true);
    await first.relay.stop();
    const between = [await createTenant(first), await createTenant(first)];
    second.relay.start();
    expect(await delivered(second, between[1]!.position)).toBe(true);
    await expectOnce(second, [before, ...between]);
  });

  it('stops with a clear message where the log is not the one that it followed', async () => {
    first.relay.start();
    const { position } = await createTenant(first);
    expect(await delivered(first, position)).toBe(true);
    await first.relay.stop();
    await first.runtime.pool.query(`update relay_checkpoint set event_id = gen_random_uuid()`);
    second.relay.start();
    const failure = await until(() => second.relay.failure);
    expect(failure).toBeInstanceOf(LogRestored);
    expect(failure.message).toMatch(/not the log that was followed/);
    expect(second.logged.join('')).toContain('the relay has stopped: its place in the event log is gone');
    expect(second.relay.active).toBe(false);
  });

  it('stops where the event store holds another log', async () => {
    first.relay.start();
    const { position } = await createTenant(first);
    expect(await delivered(first, position)).toBe(true);
    await first.relay.stop();
    await first.runtime.pool.query(`update relay_checkpoint set incarnation = 'another'`);
    second.relay.start();
    expect((await until(() => second.relay.failure)).message).toContain(
      'connect the database that belongs to this event store',
    );
  });
});
