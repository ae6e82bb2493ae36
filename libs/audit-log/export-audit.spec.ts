import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { someMetadata } from '../testing/event-builders.js';
import { chainHeads } from './audit-heads.js';
import { exportAudit, isIntact, verifyExport } from './export-audit.js';
import { mapping, TENANT, Trail } from './trail.fixture.js';

let trail: Trail;
beforeAll(async () => {
  trail = await Trail.start();
  for (let number = 0; number < 20; number++) await trail.append('things', { data: { number } });
  for (let number = 0; number < 3; number++) {
    await trail.append('things', { data: { number }, metadata: someMetadata({ tenantId: null }) });
  }
  await trail.write();
});
afterAll(() => trail.stop());

async function exported(options: { gzip?: boolean; chain?: string } = {}): Promise<Buffer> {
  const to = new PassThrough();
  const content = buffer(to);
  await exportAudit({ pool: trail.pool, to, exportedAt: new Date('2026-02-01T00:00:00.000Z'), ...options });
  return content;
}
const lines = async () => (await exported()).toString().trimEnd().split('\n');
const verify = (text: string | Buffer, options?: Parameters<typeof verifyExport>[1]) =>
  verifyExport(Readable.from([Buffer.from(text)]), options);
const found = async (text: string | Buffer, options?: Parameters<typeof verifyExport>[1]) =>
  (await verify(text, options)).faults.map(({ kind, sequence }) => `${kind} ${sequence}`);

describe('an export of the audit trail', () => {
  it('begins with its format, its time and the ends of its chains', async () => {
    const [first = '', ...rest] = await lines();
    expect(JSON.parse(first)).toEqual({
      format: 'countersign-audit-export.v1',
      exportedAt: '2026-02-01T00:00:00.000Z',
      heads: await chainHeads(trail.pool),
    });
    expect(rest).toHaveLength(23);
  });

  it('is verified without a database', async () => {
    const report = await verify(await exported(), { mapping });
    expect(report).toMatchObject({ entries: 23, chains: 2, faults: [], exportedAt: '2026-02-01T00:00:00.000Z' });
    expect(isIntact(report)).toBe(true);
  });

  it('may be of one chain', async () => {
    expect(await verify(await exported({ chain: TENANT }))).toMatchObject({ entries: 20, chains: 1, faults: [] });
  });

  it('may be compressed, and is verified as it is', async () => {
    const packed = await exported({ gzip: true });
    expect(gunzipSync(packed)).toEqual(await exported());
    expect(await verify(packed)).toMatchObject({ entries: 23, count: 0, unreadable: [] });
  });

  it('is verified in whatever pieces it comes', async () => {
    const whole = await exported();
    const bytes = Readable.from([...whole].map((byte) => Buffer.from([byte])));
    expect(await verifyExport(bytes)).toMatchObject({ entries: 23, count: 0, unreadable: [] });
  });

  it('tells which entry has one byte changed', async () => {
    const text = (await lines()).join('\n').replace('\\"number\\":7', '\\"number\\":8');
    expect(await found(text)).toEqual(['edited 8']);
  });

  it('tells which entry shows something else', async () => {
    const text = (await lines()).join('\n').replace('"newValues":{"number":7}', '"newValues":{"number":8}');
    expect(await found(text)).toEqual([]);
    expect(await found(text, { mapping })).toEqual(['shown-edited 8']);
    const more = (await lines()).join('\n').replace('"sequence":7,', '"sequence":7,"note":"seen",');
    expect(await found(more, { mapping })).toEqual(['shown-edited 7']);
  });

  it.each(['', '"position":"6",', '"position":6.5,', '"position":null,'])(
    'takes what has no place in the log (%s) for no entry, whatever it shows',
    async (position) => {
      const all = await lines();
      const index = all.findIndex((line) => line.includes('"position":6,'));
      all[index] = all[index]!.replace('"position":6,', position).replace('{"number":6}', '{"number":66}');
      const report = await verify(all.join('\n'), { mapping });
      expect(report.unreadable).toEqual([index + 1]);
      expect(isIntact(report)).toBe(false);
    },
  );

  it('shows a position that changes the order, which is all of it that the hashes say', async () => {
    const moved = (to: number) => lines().then((all) => all.join('\n').replace('"position":6,', `"position":${to},`));
    expect(await found(await moved(4), { mapping })).toEqual(['wrong-order 7']);
    expect(await found(await moved(7), { mapping })).toEqual(['wrong-order 8']);
  });

  it('shows a cut at the end', async () => {
    const all = await lines();
    const kept = all.filter((line, index) => index === 0 || JSON.parse(line).sequence <= 10);
    expect(await found(kept.join('\n'))).toEqual(['cut 11']);
  });

  it('shows a cut whose header was made to match, against heads from another place', async () => {
    const heads = await chainHeads(trail.pool);
    const entries = (await lines()).slice(1).map((line) => [line, JSON.parse(line)] as const);
    const kept = entries.filter(([, { sequence }]) => sequence <= 10).map(([line]) => line);
    const ends = entries.filter(([, { chain, sequence }]) => sequence === (chain === TENANT ? 10 : 3));
    const header = JSON.stringify({ ...JSON.parse((await lines())[0]!), heads: ends.map(([, entry]) => entry) });
    expect(await found([header, ...kept].join('\n'))).toEqual([]);
    expect(await found([header, ...kept].join('\n'), { heads })).toEqual(['cut 11']);
  });

  it('shows entries of a chain that its header does not name', async () => {
    const [header = ''] = (await exported({ chain: TENANT })).toString().split('\n');
    const report = await verify([header, ...(await lines()).slice(1)].join('\n'));
    expect(report.faults).toMatchObject([{ kind: 'foreign', chain: 'system' }]);
  });

  it.each(['gzip', 'plain'])('shows that the file itself was cut: %s', async (how) => {
    const whole = await exported();
    const packed = how === 'gzip' ? gzipSync(whole) : whole;
    const report = await verify(packed.subarray(0, packed.length / 2));
    expect(isIntact(report)).toBe(false);
    expect(report.unreadable).toHaveLength(1);
  });

  it.each(['', 'not an export\n', '{}\n', '{"format":"countersign-audit-export.v1","heads":[null]}\n', 'null\n'])(
    'is not taken for one without its header: %j',
    async (text) => {
      expect(isIntact(await verify(text))).toBe(false);
    },
  );
});
