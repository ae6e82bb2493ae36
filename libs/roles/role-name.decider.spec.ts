import { given } from '../testing/given.js';
import { claimRoleName, releaseRoleName, type RoleName, roleName, type RoleNameEvent } from './role-name.decider.js';

const content = { description: null, requestable: false, permissions: ['apps:read'], spelledAs: {} };
const named = (roleId: string, name: string) => ({ tenantId: 'T', roleId, name, key: 'ops' });
const claimed = (roleId: string, name = 'Ops', previousName?: string): RoleNameEvent => ({
  type: 'role-name-claimed.v1',
  data: {
    ...named(roleId, name),
    claim: previousName ? { for: 'renaming', previousName, change: { name } } : { for: 'creation', ...content },
  },
});
const released = (roleId: string): RoleNameEvent => ({ type: 'role-name-released.v1', data: named(roleId, 'Ops') });
const claim = (event: RoleNameEvent) => (state: RoleName) =>
  claimRoleName((event as Extract<RoleNameEvent, { type: 'role-name-claimed.v1' }>).data, state);
const release = (roleId: string, before: number) => (state: RoleName) =>
  releaseRoleName({ ...named(roleId, 'Ops'), before }, state);

it('MG-053 a name that a role has is refused to every other', () => {
  given(roleName)
    .when(claim(claimed('A')))
    .then([claimed('A')]);
  given(roleName, [claimed('A')])
    .when(claim(claimed('B')))
    .thenRefused('role-name-taken', { field: 'name' });
  given(roleName, [claimed('A')])
    .when(claim(claimed('A')))
    .thenNothing();
});

it('another spelling of its own name is claimed anew', () => {
  const respelt = claimed('A', 'OPS', 'Ops');
  given(roleName, [claimed('A')])
    .when(claim(respelt))
    .then([respelt]);
  given(roleName, [claimed('A'), respelt])
    .when(claim(claimed('A', 'OPS', 'OPS')))
    .thenNothing();
});

it('a name that is given up for another, or is not the one that is held, is claimed anew', () => {
  for (const again of [claimed('A', 'Ops', 'Ward'), claimed('A', 'OPS', 'OPS')]) {
    given(roleName, [claimed('A')])
      .when(claim(again))
      .then([again]);
  }
});

it('a released name is free; a claim that came after what is given up stays', () => {
  given(roleName, [claimed('A'), released('A')])
    .when(claim(claimed('B')))
    .then([claimed('B')]);
  given(roleName, [claimed('A')])
    .when(release('A', 0))
    .then([released('A')]);
  given(roleName, [claimed('A')])
    .when(release('A', -1))
    .thenNothing();
  given(roleName, [claimed('A')])
    .when(release('B', 9))
    .thenNothing();
  given(roleName).when(release('A', 9)).thenNothing();
});
