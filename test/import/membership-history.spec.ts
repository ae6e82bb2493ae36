import { generateMembershipHistory } from '../../libs/testing/membership-history.js';
import { held, type HistoryLine } from './history-world.js';

const SIZE = { changes: 150, orgs: 4, teams: 15, people: 120 };
const seeds = [1, 2, 3, 4, 5];

function linesOf(seed: number): HistoryLine[] {
  return generateMembershipHistory(seed, SIZE).lines.map((line) => JSON.parse(line) as HistoryLine);
}

describe.each(seeds)('the history of seed %i', (seed) => {
  const lines = linesOf(seed);
  const { final, teams } = generateMembershipHistory(seed, SIZE);

  it('grants what is not held, revokes what is, and ends with what it says', () => {
    const holds = new Set<string>();
    for (const line of lines) {
      expect(holds.has(held(line))).toBe(line.op === 'revoke');
      if (line.op === 'grant') holds.add(held(line));
      else holds.delete(held(line));
    }
    expect([...holds].sort()).toEqual(final.map(held).sort());
  });

  it('has revokes first in each change, and one role of a person on a target after it', () => {
    const roles = new Map<string, string>();
    let before: HistoryLine | undefined;
    for (const line of lines) {
      const key = JSON.stringify([line.org, line.team, line.person]);
      if (before?.change === line.change && before.op === 'grant') expect(line.op).toBe('grant');
      if (line.op === 'revoke') roles.delete(key);
      else {
        expect(roles.has(key)).toBe(false);
        roles.set(key, line.role);
      }
      before = line;
    }
  });

  it('keeps an admin in every organisation, and members of teams in their organisation, after every change', () => {
    const memberships = new Map<string, HistoryLine>();
    for (const [index, line] of lines.entries()) {
      const key = JSON.stringify([line.org, line.team, line.person]);
      if (line.op === 'grant') memberships.set(key, line);
      else memberships.delete(key);
      if (lines[index + 1]?.change === line.change) continue;
      const all = [...memberships.values()];
      const admins = new Set(all.filter(({ team, role }) => team === '' && role === 'admin').map(({ org }) => org));
      expect(new Set(all.map(({ org }) => org))).toEqual(admins);
      const strays = all.filter(({ org, person }) => !memberships.has(JSON.stringify([org, '', person])));
      expect(strays).toEqual([]);
    }
  });

  it('has what histories have: nested teams, a huge change, changes of role, and people who come back', () => {
    expect(teams.some(({ parent }) => parent !== '')).toBe(true);
    const sizes = new Map<number, number>();
    for (const { change } of lines) sizes.set(change, (sizes.get(change) ?? 0) + 1);
    expect(Math.max(...sizes.values())).toBeGreaterThan(100);
    const orgRoles = lines.filter(({ team }) => team === '');
    const left = new Set(orgRoles.filter(({ op }) => op === 'revoke').map(({ org, person }) => `${org} ${person}`));
    expect(orgRoles.some(({ op, org, person }) => op === 'grant' && left.has(`${org} ${person}`))).toBe(true);
  });
});

it('the same seed gives the same history, another another', () => {
  expect(linesOf(7)).toEqual(linesOf(7));
  expect(linesOf(7)).not.toEqual(linesOf(8));
});
