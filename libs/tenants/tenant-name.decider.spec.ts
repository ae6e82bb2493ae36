import { given } from '../testing/given.js';
import {
  claimTenantName,
  releaseTenantName,
  tenantName,
  type NameClaim,
  type TenantNameEvent,
} from './tenant-name.decider.js';

const creation: NameClaim = { for: 'creation', rootWorkspaceId: 'R', rootWorkspaceName: 'Acme', creatorId: 'U' };
const renaming = (previousName: string): NameClaim => ({ for: 'renaming', previousName });
const claimed = (tenantId: string, name = 'Acme', claim: NameClaim = creation): TenantNameEvent => ({
  type: 'tenant-name-claimed.v1',
  data: { tenantId, name, key: 'acme', claim },
});
const released = (tenantId: string, name = 'Acme'): TenantNameEvent => ({
  type: 'tenant-name-released.v1',
  data: { tenantId, name, key: 'acme' },
});

const claim =
  (tenantId: string, name = 'Acme', reason: NameClaim = creation) =>
  (state: typeof tenantName.initial) =>
    claimTenantName({ tenantId, name, key: 'acme', claim: reason }, state);
const release = (tenantId: string, before: number) => (state: typeof tenantName.initial) =>
  releaseTenantName({ tenantId, name: 'Acme', key: 'acme', before }, state);

describe('the name of a tenant', () => {
  it('is claimed with all that its tenant needs, and once', () => {
    given(tenantName)
      .when(claim('T'))
      .then([claimed('T')]);
    given(tenantName, [claimed('T')])
      .when(claim('T'))
      .thenNothing();
  });

  it('TW-041 is refused to another tenant, until it is released', () => {
    given(tenantName, [claimed('T')])
      .when(claim('S'))
      .thenRefused('tenant-name-taken', { field: 'name' });
    given(tenantName, [claimed('T')])
      .when(claim('S', 'ACME'))
      .thenRefused('tenant-name-taken', { field: 'name' });
    given(tenantName, [claimed('T'), released('T')])
      .when(claim('S'))
      .then([claimed('S')]);
  });

  it('can be spelled anew by its tenant', () => {
    const anew = claimed('T', 'ACME', renaming('Acme'));
    given(tenantName, [claimed('T')])
      .when(claim('T', 'ACME', renaming('Acme')))
      .then([anew]);
  });

  it('is claimed anew by its tenant, which has another one by now, before it is released', () => {
    const back = claimed('T', 'Acme', renaming('Umbrella'));
    given(tenantName, [claimed('T')])
      .when(claim('T', 'Acme', renaming('Umbrella')))
      .then([back]);
    given(tenantName, [claimed('T'), back])
      .when(release('T', 0))
      .thenNothing();
    given(tenantName, [claimed('T'), back])
      .when(release('T', 1))
      .then([released('T')]);
  });

  it('is released by its tenant alone, and once', () => {
    given(tenantName, [claimed('T')])
      .when(release('T', 5))
      .then([released('T')]);
    given(tenantName, [claimed('T')])
      .when(release('S', 5))
      .thenNothing();
    given(tenantName, [claimed('T'), released('T')])
      .when(release('T', 5))
      .thenNothing();
  });
});
