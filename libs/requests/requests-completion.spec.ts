import { randomUUID } from 'node:crypto';
import { CommandBus } from '@nestjs/cqrs';
import { createRelay } from '../../apps/relay/start-relay.js';
import {
  BY_PROCESS,
  executeOnAssignment,
  GrantRole,
  openRoleRequest,
  RemoveTenantMember,
} from '../assignments/index.js';
import { type CommandContext, DeciderRuntime } from '../event-store/index.js';
import { createLogger, derivedUlid } from '../platform/index.js';
import { until } from '../testing/index.js';
import { checkedApp } from '../../test/e2e/world.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { DeactivateUser } from '../users/index.js';
import { assignmentOf } from './open-role.js';
import { supersedeRequest } from './request.decider.js';
import { well } from './request-events.fixture.js';
import { decideRequest, executeOnRequest } from './request-stream.js';
import { RevokeRequest } from './revoke-request.js';
import { SubmitRequest } from './submit-request.js';
import { done, type Person, World } from './world.fixture.js';

let app: TestApp;
let world: World;
let runtime: DeciderRuntime;
let tenants = 0;

checkedApp(async () => (app = await startTestApp()));

beforeAll(() => {
  runtime = app.app.get(DeciderRuntime);
});

beforeEach(async () => {
  world = await World.create(app, `tenant ${tenants++}`);
});

function contextOf({ id }: Person): CommandContext {
  const commandId = randomUUID();
  const actor = { type: 'user' as const, id };
  const at = new Date().toISOString();
  return { commandId, actor, authentication: 'test', correlationId: commandId, causationId: null, at };
}

function wanted(by: Person) {
  const requestId = derivedUlid(new Date(), randomUUID());
  const target = { type: 'workspace' as const, id: world.workspaceId };
  const requester = { type: 'user' as const, id: by.id };
  return { requestId, tenantId: world.tenantId, requester, role: 'editor' as const, target, until: null };
}

/** What a submission leaves behind when the process dies right after its first append. */
async function openOnly(by: Person): Promise<string> {
  const asked = wanted(by);
  const { requestId, role, until: end } = asked;
  const context = contextOf(by);
  await executeOnAssignment(runtime, context, assignmentOf(asked), (state) =>
    openRoleRequest({ ...assignmentOf(asked), requestId, role, until: end, removedAt: -1, at: context.at }, state),
  );
  return requestId;
}

/** What a decision leaves behind when the process dies right after its first append. */
async function approveOnly(requestId: string): Promise<void> {
  const { adm, tenantId } = world;
  const context = contextOf(adm);
  const decision = { by: { type: 'user' as const, id: adm.id }, verdict: 'approved' as const };
  await executeOnRequest(runtime, context, { tenantId, requestId }, (state) =>
    decideRequest({ ...decision, circumstances: { ...well, rolesHeld: [] }, at: context.at }, state),
  );
}

const becomes = (requestId: string, status: string) =>
  until(async () => {
    const request = await world.request(requestId);
    return request.status === status && request;
  });

describe('what a crash interrupted is completed', () => {
  it('an opened request is submitted', async () => {
    const id = await openOnly(world.u1);
    expect(await becomes(id, 'pending')).toMatchObject({ requester: { id: world.u1.id, displayName: world.u1.name } });
    expect(await world.decide(world.adm, id, 'approved')).toMatchObject({ status: 200, body: { effective: true } });
  });

  it('an approved request is granted', async () => {
    const id = await world.asked(world.u1);
    await approveOnly(id);
    await until(() => world.canEdit(world.u1));
    expect(await world.request(id)).toMatchObject({ status: 'approved' });
  });

  it('a superseded request has its successor', async () => {
    const { u1, tenantId } = world;
    const requestId = await world.asked(u1);
    const by = wanted(u1);
    const context = contextOf(u1);
    await executeOnRequest(runtime, context, { tenantId, requestId }, ({ request }) =>
      supersedeRequest({ by, reason: 'longer', at: context.at }, request),
    );
    expect(await becomes(by.requestId, 'pending')).toMatchObject({ reason: 'longer' });
    expect(await world.ask(u1)).toMatchObject({ status: 409, body: { requestId: by.requestId } });
  });
});

describe('what comes too late', () => {
  it('a request of somebody who is no member is closed at once (X-006)', async () => {
    const id = await openOnly(await world.stranger());
    expect(await becomes(id, 'closed')).toMatchObject({ closeReason: 'requester-removed' });
  });

  it('a request for a workspace that is gone is closed at once (X-005)', async () => {
    await done(world.adm.delete(`${world.path}/workspaces/${world.workspaceId}`));
    const id = await openOnly(world.u1);
    expect(await becomes(id, 'closed')).toMatchObject({ closeReason: 'target-deleted' });
  });
});

describe('while the relay is away', () => {
  let relay: Pick<TestApp['relay'], 'start' | 'stop'>;
  const bus = (): CommandBus => app.app.get(CommandBus);

  beforeAll(() => {
    relay = app.relay;
  });

  afterAll(() => relay.stop());

  async function withoutRelay(work: () => Promise<unknown>): Promise<void> {
    await relay.stop();
    await work();
    relay = createRelay(app.runtime, app.app, { logger: createLogger({ level: 'fatal', name: 'test' }) });
    relay.start();
  }

  it('a removal is answered, and the requests close when it is back (X-006)', async () => {
    const { u1, adm, tenantId } = world;
    const pending = await world.asked(u1, { role: 'member' });
    const granted = await world.granted(u1);
    const removal = { tenantId, userId: u1.id, reason: 'member-removed' as const };
    await withoutRelay(() => bus().execute(new RemoveTenantMember(contextOf(adm), removal)));
    expect(await becomes(pending, 'closed')).toMatchObject({ closeReason: 'requester-removed' });
    expect(await becomes(granted, 'revoked')).toMatchObject({ closeReason: 'requester-removed' });
  });

  it('somebody who was removed and came back keeps what they asked for since (X-006)', async () => {
    const { u1, adm, tenantId } = world;
    const before = await world.asked(u1);
    const subject = { type: 'user' as const, id: u1.id };
    const target = { type: 'tenant' as const, id: tenantId };
    const back = {
      tenantId,
      subject,
      target,
      role: 'member' as const,
      source: 'direct',
      until: null,
      giver: BY_PROCESS,
    };
    const after = { ...wanted(u1), role: 'member' as const };
    await withoutRelay(async () => {
      const removal = { tenantId, userId: u1.id, reason: 'member-removed' as const };
      await bus().execute(new RemoveTenantMember(contextOf(adm), removal));
      await bus().execute(new GrantRole(contextOf(adm), back));
      await bus().execute(new SubmitRequest(contextOf(u1), { ...after, supersede: false }));
    });
    expect(await becomes(before, 'closed')).toMatchObject({ closeReason: 'requester-removed' });
    await app.settled();
    expect(await world.request(after.requestId)).toMatchObject({ status: 'pending' });
  });

  it('an approval whose grant is refused does not stay approved', async () => {
    const { u1, adm } = world;
    const id = await world.asked(u1);
    await withoutRelay(async () => {
      await approveOnly(id);
      await bus().execute(new DeactivateUser(contextOf(adm), { userId: u1.id }));
    });
    expect(await becomes(id, 'revoked')).toMatchObject({ closeReason: 'requester-deactivated' });
  });

  it('a revocation is not taken for done before there was a grant (X-004)', async () => {
    const { u1, adm, tenantId } = world;
    const requestId = await world.asked(u1);
    await withoutRelay(async () => {
      await approveOnly(requestId);
      const revocation = { tenantId, requestId, by: { type: 'user' as const, id: adm.id } };
      const early = bus().execute(new RevokeRequest(contextOf(adm), revocation));
      await expect(early).rejects.toMatchObject({ code: 'not-yet' });
    });
    await until(() => world.canEdit(u1));
    await done(world.revoke(adm, requestId));
    expect(await world.canEdit(u1)).toBe(false);
  });
});
