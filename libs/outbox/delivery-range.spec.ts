import fc from 'fast-check';
import { type ChangeRow, cutRange, updatesOf } from './delivery-range.js';
import type { Mark } from './relay-mark.js';

const row = (position: number, tuple: string, operation: ChangeRow['operation'] = 'touch'): ChangeRow => ({
  ...{ position, eventId: `e${position}`, tuple, operation, expiresAt: null },
});
const start: Mark = { position: -1, piece: 0 };

describe('the next write', () => {
  it('takes whole events, as many as fit', () => {
    const rows = [row(0, 'a'), row(0, 'b'), row(3, 'c'), row(5, 'd'), row(5, 'e')];
    expect(cutRange(rows, start, 4)).toMatchObject({
      to: { position: 3, piece: 0 },
      updates: [{ tuple: 'a' }, {}, { tuple: 'c' }],
    });
    expect(cutRange(rows, start, 5)).toMatchObject({ to: { position: 5, piece: 0 } });
  });

  it('TW-112 takes the last change of each tuple: it counts once', () => {
    const rows = [row(0, 'a'), row(1, 'a', 'delete'), row(2, 'b'), row(3, 'a'), row(4, 'a', 'delete')];
    expect(updatesOf(rows)).toMatchObject([{ tuple: 'a', operation: 'delete' }, { tuple: 'b' }]);
    expect(cutRange(rows, start, 2)).toMatchObject({ to: { position: 4, piece: 0 } });
  });

  it('takes an event with too many changes in pieces, which the mark counts', () => {
    const rows = [...Array.from({ length: 7 }, (_, i) => row(4, `t${i}`, 'delete')), row(9, 'z')];
    const first = cutRange(rows, start, 3);
    expect(first).toMatchObject({ to: { position: -1, piece: 3 }, updates: [{ tuple: 't0' }, {}, { tuple: 't2' }] });
    const second = cutRange(rows, first.to, 3);
    expect(second).toMatchObject({ to: { position: -1, piece: 6 }, updates: [{ tuple: 't3' }, {}, { tuple: 't5' }] });
    expect(cutRange(rows, second.to, 3)).toMatchObject({ to: { position: 4, piece: 0 }, updates: [{ tuple: 't6' }] });
  });

  it('goes on in the middle of an event where the last one stopped, however much fits by now', () => {
    const rows = [...Array.from({ length: 7 }, (_, i) => row(4, `t${i}`, 'delete')), row(9, 'z')];
    expect(cutRange(rows, { position: -1, piece: 6 }, 900)).toEqual({
      ...{ rows: rows.slice(0, 7), to: { position: 4, piece: 0, eventId: 'e4' } },
      updates: [{ operation: 'delete', tuple: 't6', expiresAt: null }],
    });
  });

  it('leaves nothing out, mixes no events up and ends, whatever there is', () => {
    const events = fc.array(fc.array(fc.nat(8), { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 6 }), (tuples, max) => {
        const all = tuples.flatMap((event, position) =>
          event.map((tuple) => row(position, `t${tuple}`, tuple % 2 ? 'touch' : 'delete')),
        );
        const state = new Map<string, string>();
        let mark = start;
        for (let writes = 0; mark.position < tuples.length - 1; writes++) {
          expect(writes).toBeLessThan(200);
          const left = all.filter(({ position }) => position > mark.position);
          const range = cutRange(left, mark, max);
          expect(range.updates.length).toBeLessThanOrEqual(max);
          expect(range.updates.length).toBeGreaterThan(0);
          for (const { tuple, operation } of range.updates) state.set(tuple, operation);
          mark = range.to;
        }
        const expected = new Map(all.map(({ tuple, operation }) => [tuple, operation as string]));
        expect(state).toEqual(expected);
      }),
    );
  });
});
