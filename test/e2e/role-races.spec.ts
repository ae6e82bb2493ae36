import { randomUUID } from 'node:crypto';
import { CommandBus } from '@nestjs/cqrs';
import { executeOnAssignment, GrantRole, grantRole } from '../../libs/assignments/index.js';
import { type CommandContext, DeciderRuntime } from '../../libs/event-store/index.js';
import { approveRequest } from '../../libs/requests/request.decider.js';
import { decideRequest, executeOnRequest } from '../../libs/requests/request-stream.js';
import { executeOnRole } from '../../libs/roles/role-streams.js';
import { startRoleDeletion } from '../../libs/roles/role.decider.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { until } from '../../libs/testing/until.js';
import {
  aMember,
  aTenant,
  checkedApp,
  done,
  type Person,
  relationships,
  StandIns,
  tenantEvents,
  type TestTenant,
} from './world.js';

let app: TestApp;
let runtime: DeciderRuntime;
let tenant: TestTenant;
let person: Person;
let role: string;

checkedApp(async () => (app = await startTestApp()));

beforeAll(async () => {
  runtime = app.app.get(DeciderRuntime);
});

beforeEach(async () => {
  tenant = await aTenant(app);
  person = await aMember(app, tenant);
  const defined = { name: 'nurse', permissions: ['apps:read'], requestable: true };
  role = (await done(tenant.owner.post(`${tenant.path}/roles`, defined))).body.id;
});

function context(): CommandContext {
  const commandId = randomUUID();
  const actor = { type: 'user' as const, id: tenant.owner.id };
  const at = new Date().toISOString();
  return { commandId, actor, authentication: 'test', correlationId: commandId, causationId: null, at };
}
const subject = () => ({ type: 'user' as const, id: person.id });
const target = () => ({ type: 'tenant' as const, id: tenant.id });
const key = () => ({ tenantId: tenant.id, subject: subject(), target: target() });
const give = (roleRevision: number) => {
  const [ours, given] = [context(), { ...key(), role, roleRevision, source: 'direct', until: null, replace: true }];
  return executeOnAssignment(runtime, ours, key(), (state) =>
    grantRole({ ...given, removedAt: -1, at: ours.at }, state),
  );
};
const widen = () =>
  done(tenant.owner.patch(`${tenant.path}/roles/${role}`, { permissions: ['apps:read', 'apps:delete'] }));
const endings = async (): Promise<object[]> =>
  (await tenantEvents(app, tenant.id)).filter(({ type }) => type === 'role-ended.v1').map(({ data }) => data);
const may = (permission: string): Promise<boolean> =>
  app.runtime.spicedb.check(
    { resource: `tenant:${tenant.id}`, permission, subject: `user:${person.id}` },
    { full: true },
  );

it('a role that was changed right before it was given, to allow more than was judged, is taken back', async () => {
  await widen();
  await give(1);
  const [ended] = await until(async () => (await endings()).length > 0 && endings());
  expect(ended).toMatchObject({ role, reason: 'role-changed' });
  await app.settled();
  expect(await may('apps_delete')).toBe(false);
  expect(await relationships(app, 'role_binding', `/${role}#`)).toEqual([]);
});

it('a role that is known to have changed so is not given in the first place', async () => {
  await widen();
  const giver = { kind: 'caller', mayChange: 'everybody' } as const;
  const given = { ...key(), role, roleRevision: 1, source: 'direct', until: null, giver };
  const giving = app.app.get(CommandBus).execute(new GrantRole(context(), given));
  await expect(giving).rejects.toMatchObject({ code: 'role-changed-meanwhile' });
  const granted = (await tenantEvents(app, tenant.id)).filter(({ type }) => type === 'role-granted.v1');
  expect(granted.filter(({ data }) => data['role'] === role)).toEqual([]);
});

/** Right before the next command decides, when its caller's rights have been judged. */
function widenMeanwhile(): void {
  const standIns = new StandIns();
  const meanwhile = async (execution: Parameters<typeof runtime.execute>[0]) => {
    standIns.takeBack();
    await widen();
    return runtime.execute(execution);
  };
  standIns.put(runtime, 'execute', meanwhile as typeof runtime.execute);
}

it('who changes a role that is changed in that moment, to allow more, changes nothing', async () => {
  const path = `${tenant.path}/roles/${role}`;
  widenMeanwhile();
  const answer = await tenant.owner.patch(path, { description: 'x' });
  expect(answer).toMatchObject({ status: 409, body: { code: 'role-changed-meanwhile' } });
  expect((await done(tenant.owner.get(path))).body).toMatchObject({ description: null, revision: 2 });
});

it('who approves a request for a role that is changed in that moment is told that nothing was granted', async () => {
  const { body } = await done(person.post(`${tenant.path}/requests`, { kind: 'role', role, target: target() }));
  const path = `${tenant.path}/requests/${body.id}`;
  widenMeanwhile();
  const answer = await tenant.owner.post(`${path}/decision`, { decision: 'approved' });
  expect(answer).toMatchObject({ status: 409, body: { code: 'role-changed-meanwhile' } });
  await until(async () => (await done(tenant.owner.get(path))).body.closeReason === 'role-changed');
  expect(await may('apps_read')).toBe(false);
});

it('who gives a role that is changed in that moment is told that it was taken back', async () => {
  widenMeanwhile();
  const answer = await tenant.owner.post(`${tenant.path}/assignments`, { subject: subject(), role, target: target() });
  expect(answer).toMatchObject({ status: 409, body: { code: 'role-changed-meanwhile' } });
  expect(await endings()).toEqual([expect.objectContaining({ role, reason: 'role-changed' })]);
  expect(await may('apps_read')).toBe(false);
});

it('a role of which something else was changed right before it was given, or that allows less by now, stays given', async () => {
  const path = `${tenant.path}/roles/${role}`;
  await done(tenant.owner.patch(path, { description: 'x', name: 'doctor', requestable: false }));
  await done(tenant.owner.patch(path, { permissions: ['apps:read', 'apps:update'] }));
  await done(tenant.owner.patch(path, { permissions: ['apps:read'] }));
  await give(3);
  await app.settled();
  expect(await endings()).toEqual([]);
  expect(await may('apps_read')).toBe(true);
});

it('a role that is changed after it was given stays given', async () => {
  await give(1);
  await widen();
  await app.settled();
  expect(await endings()).toEqual([]);
  expect(await may('apps_delete')).toBe(true);
});

it('a role that is given once its deletion started is taken back, and goes', async () => {
  const ours = context();
  await executeOnRole(runtime, ours, { tenantId: tenant.id, roleId: role }, (state) =>
    startRoleDeletion({ at: ours.at }, state),
  );
  await give(1);
  const [ended] = await until(async () => (await endings()).length > 0 && endings());
  expect(ended).toMatchObject({ role, reason: 'role-deleted' });
  await app.settled();
  expect(await may('apps_read')).toBe(false);
  expect(await relationships(app, 'role_binding', `/${role}#`)).toEqual([]);
});

describe('a request for a role whose deletion starts at the same time', () => {
  const asked = async (): Promise<string> => {
    const { body } = await done(person.post(`${tenant.path}/requests`, { kind: 'role', role, target: target() }));
    return body.id;
  };
  const circumstances = {
    ...{ tenantExists: true, targetExists: true, requestable: true, roleExists: true, roleWidenedAt: 1 },
    ...{ requesterActive: true, requesterSuspended: false, requesterIsMember: true, requesterRemovedAt: -1 },
    rolesHeld: ['member'],
  };
  /** The first append alone, as by a call that goes on, or by one that crashed there. */
  const approve = (requestId: string, ours = context()) => {
    const by = { type: 'user' as const, id: tenant.owner.id };
    const decided = { by, verdict: 'approved' as const, circumstances, judgedRevision: 1, at: ours.at };
    return executeOnRequest(runtime, ours, { tenantId: tenant.id, requestId }, (state) =>
      decideRequest(decided, state),
    );
  };
  const startDeletion = (ours = context()) =>
    executeOnRole(runtime, ours, { tenantId: tenant.id, roleId: role }, (state) =>
      startRoleDeletion({ at: ours.at }, state),
    );
  const standing = async (requestId: string) => {
    await app.settled();
    const { body } = await done(tenant.owner.get(`${tenant.path}/requests/${requestId}`));
    const roleStatus = (await tenant.owner.get(`${tenant.path}/roles/${role}`)).status;
    return { status: body.status, closeReason: body.closeReason, roleStatus, holds: await may('apps_read') };
  };

  it('is granted where it was approved before: then the role is in use, and stays', async () => {
    const requestId = await asked();
    await approve(requestId);
    await startDeletion();
    await until(async () =>
      (await tenantEvents(app, tenant.id)).some(({ type }) => type === 'role-deletion-stopped.v1'),
    );
    await until(() => may('apps_read'));
    const granted = { status: 'approved', closeReason: null, roleStatus: 200, holds: true };
    expect(await standing(requestId)).toEqual(granted);
    expect(await tenant.owner.delete(`${tenant.path}/roles/${role}`)).toMatchObject({ body: { code: 'role-in-use' } });
  });

  it('is not granted where it was approved after, and its decision is not answered as if it were', async () => {
    const requestId = await asked();
    await startDeletion();
    await approve(requestId);
    await until(async () => (await standing(requestId)).status === 'revoked');
    expect(await standing(requestId)).toMatchObject({ closeReason: 'role-deleted', holds: false });
  });

  it('is granted though its description is changed at the same time', async () => {
    const requestId = await asked();
    await done(tenant.owner.patch(`${tenant.path}/roles/${role}`, { description: 'x' }));
    await approve(requestId);
    await until(() => may('apps_read'));
    expect(await standing(requestId)).toMatchObject({ status: 'approved', holds: true });
  });

  it('RR-039 whatever comes first: an approval that is answered as one holds, and a role that is gone is held by nobody', async () => {
    for (let round = 0; round < 3; round++) {
      const defined = { name: `racing ${round}`, permissions: ['apps:read'], requestable: true };
      role = (await done(tenant.owner.post(`${tenant.path}/roles`, defined))).body.id;
      const requestId = await asked();
      const [decided, deleted] = await Promise.all([
        tenant.owner.post(`${tenant.path}/requests/${requestId}/decision`, { decision: 'approved' }),
        tenant.owner.delete(`${tenant.path}/roles/${role}`),
      ]);
      const { roleStatus, holds } = await standing(requestId);
      expect([200, 409]).toContain(decided.status);
      expect([204, 409]).toContain(deleted.status);
      expect(holds).toBe(decided.status === 200);
      expect(roleStatus).toBe(deleted.status === 204 ? 404 : 200);
      if (holds) await done(tenant.owner.post(`${tenant.path}/requests/${requestId}/revocation`));
    }
  });
});

it('a request approved right after the role was changed, to allow more than was judged, grants nothing', async () => {
  const asked = { kind: 'role', role, target: target() };
  const { body } = await done(person.post(`${tenant.path}/requests`, asked));
  await widen();
  const ours = context();
  const circumstances = {
    ...{ tenantExists: true, targetExists: true, requestable: true, roleExists: true, roleWidenedAt: 1 },
    ...{ requesterActive: true, requesterSuspended: false, requesterIsMember: true, requesterRemovedAt: -1 },
    rolesHeld: ['member'],
  };
  const by = { type: 'user' as const, id: tenant.owner.id };
  await executeOnRequest(runtime, ours, { tenantId: tenant.id, requestId: body.id }, ({ request }) =>
    approveRequest({ by, circumstances, judgedRevision: 1, at: ours.at }, request),
  );
  const path = `${tenant.path}/requests/${body.id}`;
  await until(async () => (await done(tenant.owner.get(path))).body.status === 'revoked');
  expect((await tenant.owner.get(path)).body).toMatchObject({ status: 'revoked', closeReason: 'role-changed' });
  expect(await may('apps_delete')).toBe(false);
  expect(await may('apps_read')).toBe(false);
});

it('a role with an end ends in SpiceDB by itself; what follows leaves nothing of it', async () => {
  const end = new Date(Date.now() + 1_500).toISOString();
  const given = { subject: subject(), role, target: target(), until: end };
  await done(tenant.owner.post(`${tenant.path}/assignments`, given));
  await until(async () => !(await may('apps_read')));
  const [ended] = await until(async () => (await endings()).length > 0 && endings());
  expect(ended).toMatchObject({ role, reason: 'expired' });
  expect(await relationships(app, 'role_binding', `/${role}#`)).toEqual([]);
  expect(await relationships(app, 'tenant', `/${role}`)).toEqual([]);
  expect((await tenant.owner.delete(`${tenant.path}/roles/${role}`)).status).toBe(204);
});

it('what a suspended user holds through a role is withdrawn, and comes back', async () => {
  await done(tenant.owner.post(`${tenant.path}/assignments`, { subject: subject(), role, target: target() }));
  expect(await may('apps_read')).toBe(true);
  await done(app.admin.post(`/v1/users/${person.id}/suspension`, {}));
  await app.settled();
  expect(await may('apps_read')).toBe(false);
  await done(app.admin.post(`/v1/users/${person.id}/reinstatement`, {}));
  await until(() => may('apps_read'));
});
