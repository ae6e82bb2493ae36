import { EndRole, GrantRole, RemoveTenantMember, type RoleName } from '../../libs/assignments/index.js';
import { DecideRequest } from '../../libs/requests/decide-request.js';
import { RevokeRequest } from '../../libs/requests/revoke-request.js';
import { SubmitRequest } from '../../libs/requests/submit-request.js';
import { WithdrawRequest } from '../../libs/requests/withdraw-request.js';
import { CreateTenant } from '../../libs/tenants/create-tenant.js';
import { DeleteTenant } from '../../libs/tenants/delete-tenant.js';
import { RenameTenant } from '../../libs/tenants/change-tenant.js';
import { DeactivateUser, RegisterUser } from '../../libs/users/index.js';
import { ChangeWorkspace } from '../../libs/workspaces/change-workspace.js';
import { CreateWorkspace } from '../../libs/workspaces/create-workspace.js';
import { DeleteWorkspace } from '../../libs/workspaces/delete-workspace.js';
import { ACCOUNT_CHOICES } from './accounts-story.js';
import { ROLE_CHOICES } from './roles-story.js';
import type { Seeded } from './seeded.js';
import {
  type Choice,
  type Known,
  type KnownRequest,
  NOBODY,
  someEnd,
  somewhere,
  type StoryCall,
  user,
} from './story-call.js';

export function registerUser(known: Known, number: number): StoryCall {
  return {
    ...{ name: `register user ${number}`, principal: NOBODY, tenantId: null },
    make: (context, mint) =>
      new RegisterUser(context, {
        userId: mint('user'),
        externalIdentity: null,
        profile: { displayName: `U${number}` },
      }),
    learn: ({ id }) => void known.users.push(id),
    leaves: ({ type, data }, { id }) => type === 'user-registered.v1' && data['userId'] === id,
  };
}

export function createTenant(known: Known, creatorId: string, name: string): StoryCall {
  return {
    ...{ name: `create tenant ${name}`, principal: creatorId, tenantId: null },
    make: (context, mint) => {
      const ids = { tenantId: mint('tenant'), rootWorkspaceId: mint('root-workspace') };
      return new CreateTenant(context, { ...ids, name, rootWorkspaceName: name, creatorId });
    },
    learn: ({ id, rootWorkspaceId }) => {
      const rootId = rootWorkspaceId as string;
      known.tenants.push({ id, rootId, workspaces: [rootId], serviceAccounts: [], tokens: [], roles: [] });
    },
    leaves: ({ type, data }, { id }) => type === 'tenant-created.v1' && data['tenantId'] === id,
  };
}

/** What may be done next, and how often it is. */
const BASIC: readonly [weight: number, choice: Choice][] = [
  [7, giveOnWorkspace],
  [5, giveInTenant],
  [9, request],
  [9, decide],
  [3, withdraw],
  [6, revoke],
  [6, takeFromWorkspace],
  [3, removeMember],
  [3, addWorkspace],
  [2, changeWorkspace],
  [2, removeWorkspace],
  [2, rename],
  [1, another],
  [0.7, deleteTenant],
  [0.5, deactivate],
];

/** What a story is about: built-in roles of people alone, or all that there is. */
export const REPERTOIRES = ['basic', 'whole'] as const;
export type Repertoire = (typeof REPERTOIRES)[number];

/** How often each thing is done in a story: what never comes together hides what only happens together. */
const EMPHASES = [0.3, 1, 3];

/** What people do in a story of their own. */
export class Choices {
  private readonly weighted: readonly (readonly [weight: number, choice: Choice])[];
  private readonly total: number;

  constructor(repertoire: Repertoire, random: Seeded) {
    const whole = [...BASIC, ...ROLE_CHOICES, ...ACCOUNT_CHOICES];
    this.weighted =
      repertoire === 'basic' ? BASIC : whole.map(([weight, choice]) => [weight * random.pick(EMPHASES), choice]);
    this.total = this.weighted.reduce((sum, [weight]) => sum + weight, 0);
  }

  /** What somebody does next; undefined where what came to mind is not possible. */
  next(random: Seeded, known: Known, now: Date): StoryCall | undefined {
    let left = random.next() * this.total;
    for (const [weight, choice] of this.weighted) {
      left -= weight;
      if (left < 0) return choice(random, known, now);
    }
    return undefined;
  }
}

const WORKSPACE_ROLES: readonly RoleName[] = ['admin', 'admin', 'editor', 'member'];

function giveOnWorkspace(random: Seeded, known: Known, now: Date): StoryCall {
  const { tenantId, workspaceId, userId } = somewhere(random, known);
  const target = { type: 'workspace' as const, id: workspaceId };
  return give(random, { tenantId, target, userId, role: random.pick(WORKSPACE_ROLES), until: someEnd(random, now) });
}

function giveInTenant(random: Seeded, known: Known, now: Date): StoryCall {
  const { tenantId, userId } = somewhere(random, known);
  const role = random.pick(['admin', 'member', 'member'] as const);
  return give(random, {
    tenantId,
    target: { type: 'tenant', id: tenantId },
    userId,
    role,
    until: someEnd(random, now),
  });
}

interface Given {
  tenantId: string;
  target: { type: 'tenant' | 'workspace'; id: string };
  userId: string;
  role: RoleName;
  until: string | null;
}

function give(random: Seeded, { tenantId, target, userId, role, until }: Given): StoryCall {
  const giver = { kind: 'process', replaces: random.chance(0.6) } as const;
  const input = { tenantId, subject: user(userId), target, role, source: 'direct', until, giver };
  return {
    ...{ name: `give ${role} of ${target.type} to ${userId.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new GrantRole(context, input),
    leaves: ({ type, data }) =>
      type === 'role-granted.v1' || type === 'tenant-admin-ended.v1'
        ? JSON.stringify(data).includes(userId)
        : type === 'tenant-admin-granted.v1' && data['userId'] === userId,
  };
}

function request(random: Seeded, known: Known, now: Date): StoryCall {
  const { tenantId, workspaceId, userId } = somewhere(random, known);
  const inTenant = random.chance(0.25);
  const target = inTenant ? { type: 'tenant' as const, id: tenantId } : { type: 'workspace' as const, id: workspaceId };
  const role = inTenant ? ('member' as const) : random.pick(WORKSPACE_ROLES);
  const asked = { tenantId, requester: user(userId), role, target, until: someEnd(random, now) };
  const supersede = random.chance(0.3);
  return {
    ...{ name: `request ${role} of ${target.type} for ${userId.slice(-4)}`, principal: userId, tenantId },
    make: (context, mint) => new SubmitRequest(context, { ...asked, requestId: mint('request'), supersede }),
    learn: ({ id }) => void known.requests.push({ id, tenantId, requester: user(userId) }),
    leaves: ({ type, data }, { id }) => type === 'request-submitted.v1' && data['requestId'] === id,
  };
}

/** Of the latest requests, since those are open. */
function someRequest(random: Seeded, { requests }: Known): KnownRequest | undefined {
  return requests.length === 0 ? undefined : random.pick(requests.slice(-4));
}

function decide(random: Seeded, known: Known): StoryCall | undefined {
  const about = someRequest(random, known);
  if (!about) return undefined;
  const { id: requestId, tenantId } = about;
  const by = user(random.pick(known.users));
  const verdict = random.chance(0.8) ? ('approved' as const) : ('rejected' as const);
  const judgedRevision = about.role?.revision;
  return {
    ...{ name: `${verdict} of ${requestId.slice(-4)}`, principal: by.id, tenantId },
    make: (context) => new DecideRequest(context, { requestId, tenantId, by, verdict, judgedRevision }),
    leaves: ({ type, data }) => type === `request-${verdict}.v1` && data['requestId'] === requestId,
  };
}

function withdraw(random: Seeded, known: Known): StoryCall | undefined {
  const about = someRequest(random, known);
  if (!about) return undefined;
  const { id: requestId, tenantId, requester } = about;
  return {
    ...{ name: `withdraw ${requestId.slice(-4)}`, principal: requester.id, tenantId },
    make: (context) => new WithdrawRequest(context, { requestId, tenantId, by: requester }),
    leaves: ({ type, data }) => type === 'request-withdrawn.v1' && data['requestId'] === requestId,
  };
}

function revoke(random: Seeded, known: Known): StoryCall | undefined {
  const about = someRequest(random, known);
  if (!about) return undefined;
  const { id: requestId, tenantId } = about;
  const by = random.pick(known.users);
  return {
    ...{ name: `revoke ${requestId.slice(-4)}`, principal: by, tenantId },
    make: (context) => new RevokeRequest(context, { requestId, tenantId, by: user(by) }),
    leaves: ({ type, data }) => type === 'request-grant-ended.v1' && data['requestId'] === requestId,
  };
}

function takeFromWorkspace(random: Seeded, known: Known): StoryCall {
  const { tenantId, workspaceId, userId } = somewhere(random, known);
  const target = { type: 'workspace' as const, id: workspaceId };
  const input = { tenantId, subject: user(userId), target, reason: 'removed' as const, mustHold: true };
  return {
    ...{ name: `take all of a workspace from ${userId.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new EndRole(context, input),
    leaves: ({ type, data }) => type === 'role-ended.v1' && JSON.stringify(data).includes(userId),
  };
}

function removeMember(random: Seeded, known: Known): StoryCall {
  const { tenantId, userId } = somewhere(random, known);
  return {
    ...{ name: `remove member ${userId.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new RemoveTenantMember(context, { tenantId, userId, reason: 'member-removed' }),
    leaves: ({ type, data }) =>
      ['tenant-member-removed.v1', 'tenant-admin-ended.v1'].includes(type) && data['userId'] === userId,
  };
}

function addWorkspace(random: Seeded, known: Known): StoryCall {
  const { tenant, tenantId, workspaceId: parentId, userId } = somewhere(random, known);
  const name = `W${random.between(0, 1_000_000)}`;
  const creatorId = random.chance(0.7) ? userId : null;
  return {
    ...{ name: `create workspace ${name}`, principal: userId, tenantId },
    make: (context, mint) =>
      new CreateWorkspace(context, { workspaceId: mint('workspace'), tenantId, name, parentId, creatorId }),
    learn: ({ id }) => void tenant.workspaces.push(id),
    leaves: ({ type, data }, { id }) => type === 'workspace-created.v1' && data['workspaceId'] === id,
  };
}

function changeWorkspace(random: Seeded, known: Known): StoryCall {
  const { tenant, tenantId, workspaceId, userId } = somewhere(random, known);
  const change = random.chance(0.5)
    ? { parentId: random.pick(tenant.workspaces) }
    : { name: `W${random.between(0, 1_000_000)}` };
  return {
    ...{ name: `change workspace ${workspaceId.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new ChangeWorkspace(context, { workspaceId, tenantId, ...change }),
    leaves: () => true,
  };
}

function removeWorkspace(random: Seeded, known: Known): StoryCall | undefined {
  const { tenant, tenantId, userId } = somewhere(random, known);
  const workspaceId = random.pick(tenant.workspaces.slice(1));
  if (workspaceId === undefined) return undefined;
  return {
    ...{ name: `delete workspace ${workspaceId.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new DeleteWorkspace(context, { workspaceId, tenantId }),
    leaves: ({ type, data }) => type === 'workspace-deleted.v1' && data['workspaceId'] === workspaceId,
  };
}

function rename(random: Seeded, known: Known): StoryCall {
  const { tenantId, userId } = somewhere(random, known);
  const name = `T${random.between(0, 12)}`;
  return {
    ...{ name: `rename tenant to ${name}`, principal: userId, tenantId },
    make: (context) => new RenameTenant(context, { tenantId, name }),
    leaves: () => true,
  };
}

function another(random: Seeded, known: Known): StoryCall {
  return createTenant(known, random.pick(known.users), `T${random.between(0, 12)}`);
}

function deleteTenant(random: Seeded, known: Known): StoryCall {
  const { tenantId, userId } = somewhere(random, known);
  return {
    ...{ name: `delete tenant ${tenantId.slice(-4)}`, principal: userId, tenantId },
    make: (context) => new DeleteTenant(context, { tenantId }),
    leaves: ({ type, data }) => type === 'tenant-deletion-started.v1' && data['tenantId'] === tenantId,
  };
}

function deactivate(random: Seeded, known: Known): StoryCall {
  const userId = random.pick(known.users);
  return {
    ...{ name: `deactivate ${userId.slice(-4)}`, principal: NOBODY, tenantId: null },
    make: (context) => new DeactivateUser(context, { userId }),
    leaves: ({ type, data }) => type === 'user-deactivated.v1' && data['userId'] === userId,
  };
}
