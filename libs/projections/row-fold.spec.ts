import type { Table } from './read-model.js';
import { matches, TableFold } from './row-fold.js';

const table: Table = {
  name: 'thing',
  key: ['id'],
  columns: { id: 'text', name: 'text', size: 'integer', owner: 'text' },
};
const row = (id: string, change: object = {}) => ({ id, name: 'n', size: 1, owner: 'o', ...change });
const folded = (...changes: Parameters<TableFold['apply']>[0][]) => {
  const fold = new TableFold(table);
  for (const change of changes) fold.apply(change);
  return fold;
};
const of = (change: object) => ({ table: 'thing', ...change }) as Parameters<TableFold['apply']>[0];
const put = (id: string, change: object = {}) => of({ put: row(id, change) });
const patch = (id: string, set: object) => of({ key: { id }, patch: set });
const remove = (id: string) => of({ remove: { id } });
const removeWhere = (where: object) => of({ removeWhere: where });

describe('the changes of a batch to one row', () => {
  it('are folded to one', () => {
    expect([...folded(put('a'), patch('a', { name: 'm' }), patch('a', { size: 2 })).rows.values()]).toEqual([
      { put: row('a', { name: 'm', size: 2 }) },
    ]);
    expect([...folded(patch('a', { name: 'm' }), patch('a', { name: 'k', size: 2 })).rows.values()]).toEqual([
      { key: { id: 'a' }, patch: { name: 'k', size: 2 } },
    ]);
  });

  it('leave what came last: a removal, or what was put after it', () => {
    expect([...folded(put('a'), remove('a')).rows.values()]).toEqual([{ remove: { id: 'a' } }]);
    expect([...folded(remove('a'), put('a', { name: 'm' })).rows.values()]).toEqual([{ put: row('a', { name: 'm' }) }]);
  });

  it('can’t bring back what was removed by changing it', () => {
    expect([...folded(remove('a'), patch('a', { name: 'm' })).rows.values()]).toEqual([{ remove: { id: 'a' } }]);
  });

  it('are told apart by all columns of the key', () => {
    const fold = new TableFold({ ...table, key: ['id', 'owner'] });
    fold.apply(put('a', { owner: 'x' }));
    fold.apply(put('a', { owner: 'y' }));
    expect(fold.rows.size).toBe(2);
  });
});

describe('a removal of many rows', () => {
  it('takes what was put before it in the batch, and not what is put after it', () => {
    const fold = folded(put('a'), put('b', { owner: 'x' }), removeWhere({ owner: 'o' }), put('c'));
    expect(fold.removals).toEqual([{ owner: 'o' }]);
    expect([...fold.rows.values()]).toEqual([
      { remove: row('a') },
      { put: row('b', { owner: 'x' }) },
      { put: row('c') },
    ]);
  });

  it('leaves changes alone: they find no row where it took it', () => {
    const fold = folded(patch('a', { name: 'm' }), removeWhere({ owner: 'o' }));
    expect([...fold.rows.values()]).toEqual([{ key: { id: 'a' }, patch: { name: 'm' } }]);
  });

  it('matches rows with all of the values', () => {
    expect(matches(row('a'), { owner: 'o', size: 1 })).toBe(true);
    expect(matches(row('a'), { owner: 'o', size: 2 })).toBe(false);
  });
});

it('a row without a key is a mistake', () => {
  expect(() => folded(of({ put: { name: 'n' } }))).toThrow('has no id');
  expect(() => folded(of({ key: { id: null }, patch: {} }))).toThrow('has no id');
});
