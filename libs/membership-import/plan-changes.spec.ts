import type { Change, HistoryLine } from './history.js';
import { type Batch, planChanges } from './plan-changes.js';

let line = 0;

function lineOf(op: 'grant' | 'revoke', role: HistoryLine['role'], about: Partial<HistoryLine> = {}): HistoryLine {
  return { line: ++line, at: '2021-03-01T18:00:00.000Z', op, org: 'acme', team: '', role, person: 'ann', ...about };
}

function changeOf(...lines: HistoryLine[]): Change {
  return { change: 1, lines, digest: '' };
}

/** Each batch as who is given or loses what: `ann+member-admin`, `ann@web-admin`. */
function plan(...changes: Change[]): string[][] {
  const text = (prefix: string, roles: readonly string[]): string => roles.map((role) => prefix + role).join('');
  return planChanges(changes).map(({ steps }: Batch) =>
    steps.map(
      ({ person, team, grants, ends }) => `${person}${team && `@${team}`}${text('+', grants)}${text('-', ends)}`,
    ),
  );
}

describe('planChanges', () => {
  it('makes one change of role of a revoke and a grant on the same target', () => {
    expect(plan(changeOf(lineOf('revoke', 'admin'), lineOf('grant', 'member')))).toEqual([['ann+member-admin']]);
  });

  it('calls maintainers of a team admins of its workspace', () => {
    const team = { team: 'web' };
    const lines = [lineOf('revoke', 'maintainer', team), lineOf('grant', 'member', team)];
    expect(plan(changeOf(...lines))).toEqual([['ann@web+member-admin']]);
  });

  it('lets new admins in before old ones go', () => {
    const lines = [lineOf('revoke', 'admin'), lineOf('grant', 'admin', { person: 'bob' })];
    expect(plan(changeOf(...lines))).toEqual([['bob+admin'], ['ann-admin']]);
  });

  it('lets people leave their teams before the organisation', () => {
    const lines = [lineOf('revoke', 'member'), lineOf('revoke', 'member', { team: 'web' })];
    expect(plan(changeOf(...lines))).toEqual([['ann@web-member', 'ann-member']]);
  });

  it('waits for a removal before a team is joined', () => {
    const lines = [lineOf('revoke', 'member'), lineOf('grant', 'member', { team: 'web' })];
    expect(plan(changeOf(...lines))).toEqual([['ann-member'], ['ann@web+member']]);
  });

  it('puts simple steps of many changes together, up to one that is not simple, in their order', () => {
    const joining = ['ann', 'bob', 'cem', 'dan'].map((person) => changeOf(lineOf('grant', 'member', { person })));
    const promoted = changeOf(
      lineOf('revoke', 'member', { person: 'eva' }),
      lineOf('grant', 'admin', { person: 'eva' }),
    );
    expect(plan(...joining.slice(0, 3), promoted, joining[3]!)).toEqual([
      ['ann+member', 'bob+member', 'cem+member'],
      ['eva+admin-member'],
      ['dan+member'],
    ]);
  });

  it('keeps apart targets, organisations and persons', () => {
    const lines = [
      lineOf('grant', 'member', { team: 'web' }),
      lineOf('grant', 'member', { team: 'ops' }),
      lineOf('grant', 'member', { team: 'web', org: 'other' }),
      lineOf('grant', 'member', { team: 'web', person: 'bob' }),
    ];
    expect(plan(changeOf(...lines)).flat()).toHaveLength(4);
  });

  it('lets the last word about a role count', () => {
    const lines = [lineOf('revoke', 'member'), lineOf('grant', 'member')];
    expect(plan(changeOf(...lines))).toEqual([['ann+member']]);
    expect(plan(changeOf(...lines.toReversed()))).toEqual([['ann-member']]);
  });
});
