import type { Change } from './history.js';
import { Window } from './window.js';

function changeOf(persons: readonly string[], org = 'acme'): Change {
  const rest = {
    line: 1,
    at: '2021-03-01T18:00:00.000Z',
    op: 'grant' as const,
    org,
    team: 'web',
    role: 'member' as const,
  };
  return { change: 1, lines: persons.map((person) => ({ ...rest, person })), digest: '' };
}

const people = (count: number, prefix = 'p'): string[] => Array.from({ length: count }, (_, index) => prefix + index);

describe('a window', () => {
  it('has no person of an organisation in two changes', () => {
    const window = new Window();
    expect(window.take(changeOf(['ann', 'bob', 'ann']))).toBe(true);
    expect(window.take(changeOf(['cem']))).toBe(true);
    expect(window.take(changeOf(['ann'], 'other'))).toBe(true);
    expect(window.take(changeOf(['dan', 'bob']))).toBe(false);
    expect(window.changes).toHaveLength(3);
  });

  it('is bounded, but has room for one change of any size', () => {
    const window = new Window();
    expect(window.take(changeOf(people(5_000)))).toBe(true);
    expect(window.take(changeOf(['ann']))).toBe(false);
    const other = new Window();
    expect(other.take(changeOf(people(600)))).toBe(true);
    expect(other.take(changeOf(people(400, 'q')))).toBe(true);
    expect(other.take(changeOf(['ann']))).toBe(false);
  });
});
