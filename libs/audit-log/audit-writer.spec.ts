import { someMetadata } from '../testing/event-builders.js';
import { verifyChains } from './verify-chain.js';
import { readAuditRows } from './audit-rows.js';
import { inTransaction } from '../platform/index.js';
import { mapping, TENANT, Trail } from './trail.fixture.js';

let trail: Trail;
beforeEach(async () => {
  trail = await Trail.start();
});
afterEach(() => trail.stop());

const entries = async () =>
  (await trail.pool.query('select * from audit_entry order by chain, sequence')).rows as Record<string, unknown>[];

describe('the audit trail', () => {
  it('has one chain per tenant and one for what has none, each numbered without gaps', async () => {
    for (const tenantId of [TENANT, null, 'other', TENANT, null]) {
      await trail.append('things', { metadata: someMetadata({ tenantId }) });
      await trail.write();
    }
    expect((await entries()).map(({ chain, sequence }) => `${chain}/${sequence}`).sort()).toEqual(
      [`${TENANT}/1`, `${TENANT}/2`, 'other/1', 'system/1', 'system/2'].sort(),
    );
  });

  it('keeps an entry, plainly rendered, of an event that can’t be understood', async () => {
    const event = await trail.append('things', { data: { poison: true } });
    await trail.write();
    expect(await entries()).toMatchObject([
      { event_id: event.id, action: event.type, resource_type: 'stream', resource_id: 'things', new_values: null },
    ]);
  });

  it('shows no secret, however deep it is in the event', async () => {
    await trail.append('things', {
      data: { name: 'ci', hmac: 'h1', tokens: [{ id: '1', hmac: 'h2' }], secret: 's' },
      personal: { note: 'n', hmac: 'h3' },
    });
    await trail.write();
    const [{ new_values: shown, personal } = {}] = await entries();
    expect({ shown, personal }).toEqual({ shown: { name: 'ci', tokens: [{ id: '1' }] }, personal: { note: 'n' } });
  });

  it('is found whole by the verification, also after it went through the database', async () => {
    await trail.append('things', { data: { name: 'é\u2028"\\', size: 1e21, list: [null, 0.1, -0] } });
    await trail.append('things', { data: { b: 1, a: { d: 1, c: undefined } }, personal: { reason: '🙂' } });
    await trail.append('things', { metadata: someMetadata({ tenantId: null, at: '2026-01-01T00:00:00.001Z' }) });
    await trail.write();
    const report = await inTransaction(trail.pool, (client) =>
      verifyChains(readAuditRows(client, 'chain'), { mapping }),
    );
    expect(report).toEqual({ entries: 3, chains: 2, faults: [], count: 0 });
  });
});
