import type { TestApp } from '../../libs/testing/test-app.js';
import type { Conformance } from './conformance.js';
import { Calls } from './malformed-calls.js';
import { aMember, aTenant, aWorkspace, done, type Person, type TestTenant } from './world.js';

/** A tenant with one of everything: an id for every path parameter of the document. */
export interface TenantWithIds {
  tenant: TestTenant;
  /** A plain member of the tenant, and the one that `userId` names. */
  member: Person;
  ids: Record<string, string>;
  /** Parameters that nothing could be made for. */
  missing: string[];
}

export async function aTenantWithIds(app: TestApp, conformance: Conformance, owner?: Person): Promise<TenantWithIds> {
  const tenant = await aTenant(app, { owner });
  const [workspaceId, member] = [await aWorkspace(tenant), await aMember(app, tenant)];
  await done(
    tenant.owner.post(`${tenant.path}/workspaces/${workspaceId}/members`, { userId: member.id, role: 'member' }),
  );
  const asked = { kind: 'role', role: 'editor', target: { type: 'workspace', id: workspaceId } };
  const { body: asking } = await done(member.post(`${tenant.path}/requests`, asked));
  const { body: token } = await done(tenant.owner.post('/v1/me/tokens', { name: `mine of ${tenant.id}` }));
  await app.settled();
  const { body: assignments } = await done(tenant.owner.get(`${tenant.path}/assignments?subjectId=${member.id}`));
  const ids: Record<string, string> = {
    ...{
      tenantId: tenant.id,
      workspaceId,
      userId: member.id,
      memberId: member.id,
      requestId: asking.id,
      tokenId: token.id,
    },
    assignmentId: String(assignments.items![0]!.id),
  };
  const { body: checker } = await done(app.admin.post('/v1/checkers', { subject: { type: 'user', id: member.id } }));
  ids['checkerId'] = checker.id;
  const missing = await makeOthers(tenant, conformance, ids);
  await app.settled();
  return { tenant, member, ids, missing };
}

/** Of nouns that have no other sample here: what a POST to their collection makes. @returns those it makes nothing for */
async function makeOthers(
  { owner }: TestTenant,
  conformance: Conformance,
  ids: Record<string, string>,
): Promise<string[]> {
  const parameters = conformance.operations.flatMap(({ path }) =>
    [...path.matchAll(/\/\{(\w+)\}/g)].map(({ index, 1: name }) => ({ collection: path.slice(0, index), name: name! })),
  );
  for (const { collection, name } of parameters.sort((a, b) => a.collection.length - b.collection.length)) {
    const creation = conformance.operations.find(({ method, path }) => method === 'post' && path === collection);
    if (name in ids || !creation) continue;
    const call = new Calls(creation, conformance, ids, '').good();
    const made = await owner.post(call.path, String(call.body ?? '{}'));
    if (made.status < 300) ids[name] = String(made.body.id);
  }
  return [...new Set(parameters.map(({ name }) => name))].filter((name) => !(name in ids));
}
