import { chainHash, GENESIS } from './audit-entry.js';
import type { ChainHead } from './audit-heads.js';
import type { AuditMapping } from './audit-rendering.js';
import { type AuditRow, type ChainEntry, verifyChains, type VerifyOptions } from './verify-chain.js';

const AT = '2026-01-01T00:00:00.000Z';
const mapping: AuditMapping = ({ type, data }) => ({
  action: type,
  resource: { type: 'thing', id: 'T' },
  new: { name: data.name, hmac: 'never shown' },
});

function eventText(number: number): string {
  const metadata = { tenantId: 'A', actor: { type: 'user', id: 'U' }, at: AT, correlationId: 'R', commandId: 'C' };
  return JSON.stringify({ id: `E${number}`, type: 'thing-named.v1', data: { name: `n${number}` }, metadata });
}

function* chain(length: number, name = 'A'): Generator<AuditRow> {
  let hash = GENESIS;
  for (let sequence = 1; sequence <= length; sequence++) {
    const event = eventText(sequence);
    hash = chainHash(hash, name, sequence, event);
    const shown = { action: 'thing-named.v1', resourceType: 'thing', resourceId: 'T', actorType: 'user', actorId: 'U' };
    const rest = { at: AT, oldValues: null, personal: null, correlationId: 'R', commandId: 'C', tenantId: 'A' };
    const own = { chain: name, sequence, position: sequence * 3, eventId: `E${sequence}`, event, hash };
    yield { ...own, ...shown, ...rest, newValues: { name: `n${sequence}` } };
  }
}

const rows = (length: number, name?: string): AuditRow[] => [...chain(length, name)];
const headOf = ({ chain: name, sequence, hash }: ChainEntry): ChainHead => ({ chain: name, sequence, hash });

async function verify(entries: Iterable<ChainEntry>, options?: VerifyOptions) {
  async function* stream() {
    yield* entries;
  }
  const report = await verifyChains(stream(), options);
  return { ...report, found: report.faults.map(({ kind, chain: name, sequence }) => `${kind} ${name}/${sequence}`) };
}

describe('the verification of chains', () => {
  it('finds nothing in whole ones', async () => {
    const entries = [...rows(5), ...rows(3, 'B')];
    const heads = [headOf(entries[2]!), headOf(entries[4]!), headOf(entries[7]!)];
    const report = await verify(entries, { mapping, heads });
    expect(report).toMatchObject({ entries: 8, chains: 2, faults: [], count: 0 });
  });

  it.each([
    ['its event', { event: eventText(99) }],
    ['one byte of its event', { event: eventText(3).replace('n3', 'm3') }],
    ['its hash', { hash: 'f'.repeat(64) }],
  ])('tells which entry was edited, and no other: %s', async (_name, edit) => {
    const entries = rows(5);
    entries[2] = { ...entries[2]!, ...edit };
    expect((await verify(entries, { mapping })).found).toEqual(['edited A/3']);
  });

  it.each([
    { action: 'other' },
    { resourceId: 'X' },
    { newValues: null },
    { newValues: { name: 'n3', hmac: 'never shown' } },
    { oldValues: {} },
    { personal: { ip: '::1' } },
    { at: '2026-01-01T00:00:00.001Z' },
    { actorId: 'X' },
    { actorType: 'process' },
    { correlationId: 'X' },
    { commandId: 'X' },
    { tenantId: null },
    { eventId: 'E4' },
  ])('tells which entry shows something else than its event: %j', async (edit) => {
    const entries = rows(5);
    entries[2] = { ...entries[2]!, ...edit };
    expect((await verify(entries)).found).toEqual([]);
    expect((await verify(entries, { mapping })).found).toEqual(['shown-edited A/3']);
  });

  it('accepts the plain rendering of an event that could not be rendered when it came, and of no other', async () => {
    const entries = rows(3);
    const plain = { action: 'thing-named.v1', resourceType: 'stream', resourceId: 'S', newValues: null };
    const event = entries[2]!.event.replace('{"id"', '{"stream":"S","id"');
    const hash = chainHash(entries[1]!.hash, 'A', 3, event);
    entries[2] = { ...entries[2]!, ...plain, event, hash };
    expect((await verify(entries, { mapping })).found).toEqual(['shown-edited A/3']);
    expect((await verify(entries, { mapping, unrendered: new Set(['E3']) })).found).toEqual([]);
  });

  it('finds a removed entry, and several', async () => {
    expect((await verify(rows(5).filter(({ sequence }) => sequence !== 3))).found).toEqual(['removed A/3']);
    const { faults } = await verify(rows(9).filter(({ sequence }) => sequence === 1 || sequence > 7));
    expect(faults).toEqual([{ kind: 'removed', chain: 'A', sequence: 2, to: 7, detail: 'missing' }]);
    expect((await verify(rows(5).slice(1))).found).toEqual(['removed A/1']);
  });

  it('finds a doubled entry', async () => {
    const entries = rows(5);
    entries.splice(3, 0, entries[2]!);
    expect((await verify(entries)).found).toEqual(['doubled A/3']);
  });

  it('finds a wrong order', async () => {
    const entries = rows(5);
    entries.splice(1, 2, entries[2]!, entries[1]!);
    const report = await verify(entries);
    expect(report).toMatchObject({ found: ['wrong-order A/2'], count: 1 });
  });

  it('finds entries whose events came in another order', async () => {
    const entries = rows(5);
    entries[3] = { ...entries[3]!, position: 1 };
    expect((await verify(entries, { mapping })).found).toEqual(['wrong-order A/4']);
  });

  it('X-010 finds a cut at the end, and a missing chain, against heads', async () => {
    const [whole, other] = [rows(20), rows(2, 'B')];
    const heads = [headOf(whole[4]!), headOf(whole[19]!), headOf(other[1]!)];
    const { faults } = await verify(whole.slice(0, 10), { heads });
    expect(faults).toEqual([
      { kind: 'cut', chain: 'A', sequence: 11, to: 20, detail: 'missing at the end' },
      { kind: 'cut', chain: 'B', sequence: 1, to: 2, detail: 'missing at the end' },
    ]);
  });

  it('finds a chain that was calculated anew, against a head', async () => {
    const heads = [headOf(rows(5)[3]!)];
    let hash = GENESIS;
    const forged = rows(5).map((entry) => {
      const event = entry.event.replace('n2', 'forged');
      hash = chainHash(hash, 'A', entry.sequence, event);
      return { chain: 'A', sequence: entry.sequence, event, hash };
    });
    expect((await verify(forged)).found).toEqual([]);
    expect((await verify(forged, { heads })).found).toEqual(['rewritten A/4']);
  });

  it('lists the first faults and counts all', async () => {
    const entries = rows(200).map((entry) => ({ ...entry, event: '{}' }));
    const report = await verify(entries, { most: 10 });
    expect(report).toMatchObject({ faults: { length: 10 }, count: 200 });
  });
});
