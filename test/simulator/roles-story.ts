import { BY_PROCESS, EndRole, GrantRole, type Subject, type Target } from '../../libs/assignments/index.js';
import { SubmitRequest } from '../../libs/requests/submit-request.js';
import { ChangeRole, CreateRole, DeleteRole, PERMISSIONS } from '../../libs/roles/index.js';
import type { Seeded } from './seeded.js';
import { type Choice, type Known, someEnd, somewhere, type StoryCall, user } from './story-call.js';

/** Roles that tenants define: what may be done with them, and how often it is. */
export const ROLE_CHOICES: readonly [weight: number, choice: Choice][] = [
  [3, createRole],
  [4, changeRole],
  [2, deleteRole],
  [8, giveRole],
  [4, takeRole],
  [5, requestRole],
];

/** Few, so that events of roles stay as small as others, and that two changes have something in common. */
function somePermissions(random: Seeded): string[] {
  return PERMISSIONS.slice(0, 5).filter(() => random.chance(0.4));
}

/** Few names, so that two roles want the same. */
const someName = (random: Seeded): string => `R${random.between(0, 4)}`;

export function createRole(random: Seeded, known: Known): StoryCall {
  const { tenant, tenantId, userId } = somewhere(random, known);
  const name = someName(random);
  const content = { description: null, requestable: random.chance(0.8), permissions: somePermissions(random) };
  return {
    ...{ name: `create role ${name}`, principal: userId, tenantId },
    make: (context, mint) =>
      new CreateRole(context, { tenantId, roleId: mint('role'), name, ...content, spelledAs: {} }),
    learn: ({ id, revision }) => void tenant.roles.push({ id, revision: revision as number }),
    leaves: ({ type, data }, { id }) => type === 'role-created.v1' && data['roleId'] === id,
  };
}

function someRole(random: Seeded, known: Known) {
  const place = somewhere(random, known);
  const { roles } = place.tenant;
  return roles.length === 0 ? undefined : { ...place, role: random.pick(roles) };
}

/** What it is judged by may be old: somebody else may have changed the role. */
function changeRole(random: Seeded, known: Known): StoryCall | undefined {
  const place = someRole(random, known);
  if (!place) return undefined;
  const { tenantId, userId, role } = place;
  const change = {
    ...(random.chance(0.3) && { name: someName(random) }),
    ...(random.chance(0.7) && { permissions: somePermissions(random) }),
    ...(random.chance(0.2) && { requestable: random.chance(0.5) }),
  };
  const input = { tenantId, roleId: role.id, change, judgedRevision: role.revision };
  return {
    ...{ name: `change role ${role.id.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new ChangeRole(context, input),
    learn: (told) => void (role.revision = Math.max(role.revision, told['revision'] as number)),
    leaves: () => true,
  };
}

function deleteRole(random: Seeded, known: Known): StoryCall | undefined {
  const place = someRole(random, known);
  if (!place) return undefined;
  const { tenantId, userId, role } = place;
  return {
    ...{ name: `delete role ${role.id.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new DeleteRole(context, { tenantId, roleId: role.id }),
    leaves: ({ type, data }) => type === 'role-deletion-started.v1' && data['roleId'] === role.id,
  };
}

function someHolder(random: Seeded, serviceAccounts: readonly string[], userId: string): Subject {
  if (serviceAccounts.length === 0 || random.chance(0.7)) return user(userId);
  return { type: 'service_account', id: random.pick(serviceAccounts) };
}

function someTarget(random: Seeded, tenantId: string, workspaceId: string): Target {
  return random.chance(0.3) ? { type: 'tenant', id: tenantId } : { type: 'workspace', id: workspaceId };
}

function giveRole(random: Seeded, known: Known, now: Date): StoryCall | undefined {
  const place = someRole(random, known);
  if (!place) return undefined;
  const { tenant, tenantId, workspaceId, userId, role } = place;
  const subject = someHolder(random, tenant.serviceAccounts, userId);
  const target = someTarget(random, tenantId, workspaceId);
  const given = { role: role.id, roleRevision: role.revision, until: someEnd(random, now) };
  const input = { tenantId, subject, target, ...given, source: 'direct', giver: BY_PROCESS };
  return {
    ...{ name: `give role ${role.id.slice(-4)} to ${subject.id.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new GrantRole(context, input),
    leaves: ({ type, data }) => type === 'role-granted.v1' && data['role'] === role.id,
  };
}

function takeRole(random: Seeded, known: Known): StoryCall | undefined {
  const place = someRole(random, known);
  if (!place) return undefined;
  const { tenant, tenantId, workspaceId, userId, role } = place;
  const subject = someHolder(random, tenant.serviceAccounts, userId);
  const target = someTarget(random, tenantId, workspaceId);
  const input = { tenantId, subject, target, role: role.id, reason: 'removed' as const, mustHold: true };
  return {
    ...{ name: `take role ${role.id.slice(-4)} from ${subject.id.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new EndRole(context, input),
    leaves: ({ type, data }) => type === 'role-ended.v1' && data['role'] === role.id,
  };
}

function requestRole(random: Seeded, known: Known, now: Date): StoryCall | undefined {
  const place = someRole(random, known);
  if (!place) return undefined;
  const { tenant, tenantId, workspaceId, userId, role } = place;
  const requester = someHolder(random, tenant.serviceAccounts, userId);
  const target = someTarget(random, tenantId, workspaceId);
  const asked = { tenantId, requester, role: role.id, target, until: someEnd(random, now) };
  const supersede = random.chance(0.3);
  return {
    ...{ name: `request role ${role.id.slice(-4)} for ${requester.id.slice(-4)}`, principal: requester.id, tenantId },
    make: (context, mint) => new SubmitRequest(context, { ...asked, requestId: mint('request'), supersede }),
    learn: ({ id }) => void known.requests.push({ id, tenantId, requester, role }),
    leaves: ({ type, data }, { id }) => type === 'request-submitted.v1' && data['requestId'] === id,
  };
}
