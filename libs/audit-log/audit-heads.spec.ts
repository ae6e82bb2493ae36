import { randomUUID } from 'node:crypto';
import type { CommandContext } from '../event-store/index.js';
import { someMetadata } from '../testing/event-builders.js';
import { auditPart, chainHeads, isAuditHead, PublishedHeads, publishHeads } from './audit-heads.js';
import { TENANT, Trail } from './trail.fixture.js';

let trail: Trail;
beforeEach(async () => {
  trail = await Trail.start();
});
afterEach(() => trail.stop());

const context = (): CommandContext => {
  return { ...someMetadata({ tenantId: null }), commandId: randomUUID(), personal: undefined };
};
const published = async () => (await trail.log.readStream('audit-heads')).map(({ data }) => data.heads);

describe('the heads of the audit chains', () => {
  it('are published with the sequence and hash of the last entry of each chain', async () => {
    await trail.append('things', {});
    await trail.append('things', { metadata: someMetadata({ tenantId: null }) });
    await trail.append('things', {});
    await trail.write();
    expect(await publishHeads(trail.log, trail.pool, context())).toBe(2);
    expect(await published()).toEqual([await chainHeads(trail.pool)]);
    expect((await chainHeads(trail.pool)).map(({ chain, sequence }) => [chain, sequence])).toEqual(
      expect.arrayContaining([
        [TENANT, 2],
        ['system', 1],
      ]),
    );
  });

  it('are published only where they moved', async () => {
    const known = new PublishedHeads();
    await trail.append('things', {});
    await trail.append('things', { metadata: someMetadata({ tenantId: null }) });
    await trail.write();
    await publishHeads(trail.log, trail.pool, context(), known);
    expect(await publishHeads(trail.log, trail.pool, context(), known)).toBe(0);
    await trail.append('things', {});
    await trail.write();
    expect(await publishHeads(trail.log, trail.pool, context(), known)).toBe(1);
    expect((await published())[1]).toEqual([{ chain: TENANT, sequence: 2, hash: expect.any(String) }]);
    expect([...known.heads.values()]).toEqual(await chainHeads(trail.pool));
  });

  it('have no audit entry themselves, so that publishing them moves none', async () => {
    await trail.append('things', {});
    await trail.write();
    await publishHeads(trail.log, trail.pool, context());
    await trail.write();
    expect(await publishHeads(trail.log, trail.pool, context())).toBe(0);
    expect(Object.keys(auditPart.nouns[0]!.types).every(isAuditHead)).toBe(true);
  });

  it('are published once by two that do it at the same time', async () => {
    await trail.append('things', {});
    await trail.write();
    const counts = await Promise.all([1, 2, 3].map(() => publishHeads(trail.log, trail.pool, context())));
    expect(await published()).toHaveLength(1);
    expect(counts.reduce((sum, count) => sum + count)).toBe(1);
  });

  it('are nothing where there is no entry', async () => {
    expect(await publishHeads(trail.log, trail.pool, context())).toBe(0);
    expect(await published()).toEqual([]);
  });

  it('of many chains go into several events', async () => {
    await trail.pool.query(
      `insert into audit_entry select 'chain-' || n, 1, n, gen_random_uuid(), null, 'a', 'r', 'i', 'user', 'u', now(), null,
         null, null, 'c', 'c', '{}', repeat('0', 64) from generate_series(1, 4500) n`,
    );
    expect(await publishHeads(trail.log, trail.pool, context())).toBe(4_500);
    expect((await published()).map((heads) => (heads as object[]).length)).toEqual([2_000, 2_000, 500]);
  });
});
