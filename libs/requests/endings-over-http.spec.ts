import { until } from '../testing/index.js';
import { checkedApp } from '../../test/e2e/world.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { done, type Person, World } from './world.fixture.js';

let app: TestApp;
let world: World;
let tenants = 0;

checkedApp(async () => (app = await startTestApp()));

beforeEach(async () => {
  world = await World.create(app, `tenant ${tenants++}`);
});

const becomes = (requestId: string, state: object) =>
  until(async () => {
    const request = await world.request(requestId);
    return Object.entries(state).every(([field, value]) => request[field] === value);
  });

async function makeAdmin(somebody: Person, body: object = {}): Promise<string> {
  await done(world.adm.put(`${world.path}/requestable-roles`, { items: ['tenant:admin', 'workspace:editor'] }));
  return world.granted(somebody, { role: 'admin', target: { type: 'tenant', id: world.tenantId }, ...body });
}

describe('withdrawing', () => {
  it('closes the request; a repeat changes nothing', async () => {
    const id = await world.asked(world.u1);
    const answer = await world.withdraw(world.u1, id);
    expect(answer).toMatchObject({ status: 200, body: { id, status: 'withdrawn', revision: 2 } });
    const again = await world.withdraw(world.u1, id);
    expect(again).toMatchObject({ status: 200, body: { status: 'withdrawn', revision: 2 } });
    expect(await world.ask(world.u1)).toMatchObject({ status: 201 });
  });

  it('is for the requester alone', async () => {
    const id = await world.asked(world.u1);
    expect(await world.withdraw(world.adm, id)).toMatchObject({ status: 403 });
    expect(await world.withdraw(world.u2, id)).toMatchObject({ status: 404 });
    expect(await world.withdraw(await world.stranger(), id)).toMatchObject({ status: 404 });
    expect(await world.request(id)).toMatchObject({ status: 'pending' });
  });

  it('is not possible after a decision, and takes no words', async () => {
    const id = await world.asked(world.u1);
    const path = `${world.path}/requests/${id}/withdrawal`;
    expect(await world.u1.post(path, { note: 'x' })).toMatchObject({ status: 422, body: { field: 'note' } });
    await done(world.decide(world.adm, id, 'approved'));
    expect(await world.withdraw(world.u1, id)).toMatchObject({ status: 409, body: { code: 'request-not-pending' } });
  });
});

describe('a request that changed since the caller saw it', () => {
  const seen = (revision: number) => ({ 'if-match': `"${revision}"` });

  it('is neither decided nor withdrawn nor revoked', async () => {
    const id = await world.asked(world.u1);
    const path = `${world.path}/requests/${id}`;
    const stale = { status: 412, body: { code: 'stale-revision' } };
    expect(await world.adm.post(`${path}/decision`, { decision: 'approved' }, seen(2))).toMatchObject(stale);
    expect(await world.u1.post(`${path}/withdrawal`, {}, seen(2))).toMatchObject(stale);
    expect(await world.request(id)).toMatchObject({ status: 'pending', revision: 1 });
    await done(world.adm.post(`${path}/decision`, { decision: 'approved' }, seen(1)));
    expect(await world.adm.post(`${path}/revocation`, {}, seen(1))).toMatchObject(stale);
    expect(await world.request(id)).toMatchObject({ status: 'approved' });
    const { body } = await world.adm.get(path);
    await done(world.adm.post(`${path}/revocation`, { note: 'over' }, seen(body['revision'] as number)));
    expect(await world.request(id)).toMatchObject({ status: 'revoked', revocationNote: 'over' });
  });
});

describe('revoking', () => {
  it('ends the grant at once; a repeat changes nothing (X-004)', async () => {
    const id = await world.granted(world.u1);
    expect(await world.canEdit(world.u1)).toBe(true);
    const answer = await world.revoke(world.adm, id, { note: 'left the project' });
    const revoked = { status: 'revoked', closeReason: 'revoked', revocationNote: 'left the project', effective: true };
    expect(answer).toMatchObject({ status: 200, body: revoked });
    expect(await world.canEdit(world.u1)).toBe(false);
    const again = await world.revoke(world.adm, id);
    expect({ ...again.body, token: '' }).toEqual({ ...answer.body, token: '' });
    expect(await world.request(id)).toMatchObject({ status: 'revoked', reviewer: { id: world.adm.id } });
    expect(await world.ask(world.u1)).toMatchObject({ status: 201 });
  });

  it('spares what is held from elsewhere', async () => {
    const id = await world.granted(world.u1);
    await world.assign(world.u1, 'editor');
    await done(world.revoke(world.adm, id));
    expect(await world.canEdit(world.u1)).toBe(true);
    expect(await world.request(id)).toMatchObject({ status: 'revoked' });
  });

  it('is for those who may decide', async () => {
    const id = await world.granted(world.u1);
    expect(await world.revoke(world.u1, id)).toMatchObject({ status: 403 });
    expect(await world.revoke(world.u2, id)).toMatchObject({ status: 403 });
    expect(await world.revoke(await world.stranger(), id)).toMatchObject({ status: 404 });
    expect(await world.canEdit(world.u1)).toBe(true);
    await world.assign(world.u2, 'admin');
    expect(await world.revoke(world.u2, id)).toMatchObject({ status: 200 });
  });

  it('is not possible without a grant', async () => {
    const id = await world.asked(world.u1);
    expect(await world.revoke(world.adm, id)).toMatchObject({ status: 409, body: { code: 'request-not-approved' } });
    await done(world.decide(world.adm, id, 'rejected'));
    expect(await world.revoke(world.adm, id)).toMatchObject({ status: 409, body: { requestStatus: 'rejected' } });
  });

  it('takes the admin role of a tenant away', async () => {
    const { u1, adm, tenantId } = world;
    const id = await makeAdmin(u1);
    await done(world.revoke(adm, id));
    expect(await world.can(u1, 'manage', { type: 'tenant', id: tenantId })).toBe(false);
    expect(await world.can(u1, 'view', { type: 'tenant', id: tenantId })).toBe(true);
    expect(await world.request(id)).toMatchObject({ status: 'revoked', closeReason: 'revoked' });
  });

  it('leaves the last admin, and the request as it was', async () => {
    const { u1, adm } = world;
    const id = await makeAdmin(u1);
    await done(u1.delete(`${world.path}/members/${adm.id}`));
    expect(await world.revoke(u1, id)).toMatchObject({ status: 409, body: { code: 'last-admin' } });
    expect(await done(u1.get(`${world.path}/requests/${id}`))).toMatchObject({ body: { status: 'approved' } });
  });
});

describe('a grant that ends otherwise', () => {
  it('is told to its request when the role is removed', async () => {
    const id = await world.granted(world.u1);
    await done(world.adm.delete(`${world.path}/workspaces/${world.workspaceId}/members/${world.u1.id}`));
    expect(await world.request(id)).toMatchObject({ status: 'revoked', closeReason: 'removed' });
  });

  it('is told to its request when another role takes its place', async () => {
    const id = await world.granted(world.u1);
    await world.assign(world.u1, 'member');
    expect(await world.request(id)).toMatchObject({ status: 'revoked', closeReason: 'replaced' });
  });

  it('is told to its request when an admin is demoted', async () => {
    const id = await makeAdmin(world.u1);
    await done(world.adm.post(`${world.path}/members`, { userId: world.u1.id, role: 'member' }));
    expect(await world.request(id)).toMatchObject({ status: 'revoked', closeReason: 'removed' });
  });

  it('expires', async () => {
    const end = new Date(Date.now() + 5_000).toISOString();
    const id = await world.granted(world.u1, { until: end });
    // A machine that took so long to grant it has nothing left to see.
    expect((await world.canEdit(world.u1)) || Date.now() > Date.parse(end)).toBe(true);
    await becomes(id, { status: 'expired', closeReason: 'expired' });
    expect(await world.canEdit(world.u1)).toBe(false);
  });
});

describe('what a request names goes', () => {
  it('with the requester: pending ones close, granted ones end (X-006)', async () => {
    const { u1, adm } = world;
    const pending = await world.asked(u1, { role: 'member' });
    const granted = await world.granted(u1);
    const decided = await world.asked(u1, { role: 'admin' });
    await done(world.decide(adm, decided, 'rejected'));
    await done(adm.delete(`${world.path}/members/${u1.id}`));
    expect(await world.request(pending)).toMatchObject({ status: 'closed', closeReason: 'requester-removed' });
    expect(await world.request(granted)).toMatchObject({ status: 'revoked', closeReason: 'requester-removed' });
    expect(await world.request(decided)).toMatchObject({ status: 'rejected' });
    expect(await world.decide(adm, pending, 'approved')).toMatchObject({ status: 409 });
  });

  it('with the requester, who does not see them any more, as little as what never was there (X-006)', async () => {
    const { u1, adm, path } = world;
    const [pending, granted] = [await world.asked(u1, { role: 'member' }), await world.granted(u1)];
    await done(adm.delete(`${path}/members/${u1.id}`));
    await app.settled();
    for (const id of [pending, granted, u1.id]) {
      expect(await u1.get(`${path}/requests/${id}`)).toMatchObject({ status: 404, body: { code: 'not-found' } });
      const withdrawn = await u1.post(`${path}/requests/${id}/withdrawal`, {});
      expect(withdrawn).toMatchObject({ status: 404, body: { code: 'not-found' } });
    }
  });

  it('with the membership, however it ends; what was granted stays (X-006)', async () => {
    const { u1, u2, adm, tenantId, path } = world;
    const timed = await world.member('timed');
    const granted = await world.granted(u1, { role: 'member' });
    await done(adm.put(`${path}/requestable-roles`, { items: ['tenant:admin', 'workspace:editor'] }));
    const admin = await world.granted(u2, { role: 'admin', target: { type: 'tenant', id: tenantId } });
    const [ofU1, ofU2, ofTimed] = await Promise.all([u1, u2, timed].map((by) => world.asked(by)));
    const membership = async ({ id }: Person): Promise<string> => {
      const held = await done(adm.get(`${path}/assignments?subjectId=${id}&targetId=${tenantId}&role=member`));
      return `${path}/assignments/${(held.body['items'] as { id: string }[])[0]!.id}`;
    };
    const until = new Date(Date.now() + 2_000).toISOString();
    await done(adm.post(`${path}/members`, { userId: timed.id, role: 'member', until }));
    for (const left of [u1, u2]) await done(adm.delete(await membership(left)));
    expect(await world.request(ofU1!)).toMatchObject({ status: 'closed', closeReason: 'requester-removed' });
    expect(await world.request(granted)).toMatchObject({ status: 'approved' });
    // An admin is a member by that.
    expect(await world.request(ofU2!)).toMatchObject({ status: 'pending' });
    await done(world.revoke(adm, admin));
    for (const id of [ofU2!, ofTimed!]) await becomes(id, { status: 'closed', closeReason: 'requester-removed' });
  });

  it('and somebody who comes back starts anew (X-006)', async () => {
    const { u1, adm } = world;
    const before = await world.asked(u1);
    await done(adm.delete(`${world.path}/members/${u1.id}`));
    await done(adm.post(`${world.path}/members`, { userId: u1.id, role: 'member' }));
    const after = await world.asked(u1);
    await done(world.decide(adm, after, 'approved'));
    await app.settled();
    expect(await world.request(before)).toMatchObject({ status: 'closed' });
    expect(await world.request(after)).toMatchObject({ status: 'approved' });
    expect(await world.canEdit(u1)).toBe(true);
  });

  it('with the user, in every tenant (X-006, GR-091)', async () => {
    const pending = await world.asked(world.u1, { role: 'member' });
    const granted = await world.granted(world.u1);
    await done(app.admin.delete(`/v1/users/${world.u1.id}`));
    await becomes(pending, { status: 'closed', closeReason: 'requester-deactivated' });
    await becomes(granted, { status: 'revoked', closeReason: 'requester-deactivated' });
  });

  it('with the workspace (X-005)', async () => {
    const { u1, u2, adm, workspaceId } = world;
    const pending = await world.asked(u1);
    const granted = await world.granted(u2);
    await done(adm.delete(`${world.path}/workspaces/${workspaceId}`));
    expect(await world.request(pending)).toMatchObject({ status: 'closed', closeReason: 'target-deleted' });
    expect(await world.request(granted)).toMatchObject({ status: 'revoked', closeReason: 'target-deleted' });
    const answer = await world.decide(adm, pending, 'approved');
    expect(answer).toMatchObject({ status: 409, body: { code: 'request-not-pending', requestStatus: 'closed' } });
    expect(await world.ask(u1)).toMatchObject({ status: 404 });
  });

  it('with the tenant (X-005)', async () => {
    const pending = [await world.asked(world.u1), await world.asked(world.u2)];
    await done(world.adm.delete(world.path));
    await app.settled();
    const { rows } = await app.runtime.pool.query(
      `select resource_id, new_values ->> 'reason' as reason from audit_entry
       where action = 'request.closed' and resource_id = any($1) order by resource_id`,
      [pending],
    );
    expect(rows).toEqual(pending.map((id) => ({ resource_id: id, reason: 'tenant-deleted' })));
  });
});

describe('the trail', () => {
  it('tells each step of a request, with actor, target, role and roles (RR-040, X-011)', async () => {
    const { u1, adm, workspaceId, tenantId } = world;
    const id = await world.granted(u1, { role: 'editor' });
    await done(world.revoke(adm, id, { note: 'left' }));
    await app.settled();
    const { rows } = await app.runtime.pool.query(
      `select action, actor_type, actor_id, old_values, new_values, event::jsonb as event from audit_entry
       where chain = $1 and resource_type = 'request' and resource_id = $2 order by sequence`,
      [tenantId, id],
    );
    const [submitted, decision, approved, ended, noted] = rows as Record<string, unknown>[];
    const about = { requester: `user:${u1.id}`, role: 'editor', target: `workspace:${workspaceId}` };
    expect(rows).toHaveLength(5);
    expect(submitted).toMatchObject({
      action: 'request.submitted',
      new_values: { ...about, status: 'pending', roles: [] },
    });
    expect(decision).toMatchObject({ action: 'approval.decision-recorded', actor_id: adm.id });
    expect(approved).toMatchObject({
      ...{ action: 'request.approved', actor_type: 'user', actor_id: adm.id },
      ...{ old_values: { ...about, roles: [] }, new_values: { ...about, status: 'approved', roles: ['editor'] } },
    });
    expect(ended).toMatchObject({
      action: 'request.grant-ended',
      new_values: { ...about, status: 'revoked', reason: 'revoked', by: `user:${adm.id}` },
    });
    expect(noted).toMatchObject({ action: 'request.revocation-noted', actor_id: adm.id });
    expect(noted!['event']).toMatchObject({ personal: { sealed: 'v1', subject: `user:${adm.id}` } });
    const whole = `${world.path}/audit-log?resourceType=request&resourceId=${id}&consequences=true&order=asc`;
    const actions = ((await done(adm.get(whole))).body['items'] as { action: string }[]).map(({ action }) => action);
    expect(actions).toEqual([
      ...['request.submitted', 'approval.decision-recorded', 'request.approved', 'role.granted'],
      ...['request.grant-ended', 'request.revocation-noted'],
    ]);
    const url = `${world.path}/audit-log?action=request.revocation-noted&resourceId=${id}`;
    expect((await done(adm.get(url))).body['items']).toMatchObject([{ personal: { note: 'left' }, erased: false }]);
  });
});
