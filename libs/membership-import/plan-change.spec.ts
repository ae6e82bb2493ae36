import type { HistoryLine } from './history.js';
import { planChange } from './plan-change.js';

let line = 0;

function lineOf(op: 'grant' | 'revoke', role: HistoryLine['role'], about: Partial<HistoryLine> = {}): HistoryLine {
  return { line: ++line, at: '2021-03-01T18:00:00.000Z', op, org: 'acme', team: '', role, person: 'ann', ...about };
}

describe('planChange', () => {
  it('makes one change of role of a revoke and a grant on the same target', () => {
    const { memberships } = planChange({ lines: [lineOf('revoke', 'admin'), lineOf('grant', 'member')] });
    expect(memberships).toMatchObject([{ person: 'ann', grants: ['member'], ends: ['admin'] }]);
    expect(memberships[0]!.lines).toHaveLength(2);
  });

  it('leaves teams alone when a role in the organisation changes', () => {
    const { teamRoles } = planChange({ lines: [lineOf('revoke', 'admin'), lineOf('grant', 'member')] });
    expect(teamRoles).toEqual([]);
  });

  it('lets new admins in before old ones go', () => {
    const plan = planChange({ lines: [lineOf('revoke', 'admin'), lineOf('grant', 'admin', { person: 'bob' })] });
    expect(plan).toMatchObject({ newAdmins: [{ person: 'bob' }], memberships: [{ person: 'ann', ends: ['admin'] }] });
  });

  it('calls maintainers of a team admins of its workspace', () => {
    const { teamRoles } = planChange({
      lines: [lineOf('revoke', 'maintainer', { team: 'web' }), lineOf('grant', 'member', { team: 'web' })],
    });
    expect(teamRoles).toMatchObject([{ team: 'web', grants: ['member'], ends: ['admin'] }]);
  });

  it('keeps apart targets, organisations and persons', () => {
    const lines = [
      lineOf('grant', 'member', { team: 'web' }),
      lineOf('grant', 'member', { team: 'ops' }),
      lineOf('grant', 'member', { team: 'web', org: 'other' }),
      lineOf('grant', 'member', { team: 'web', person: 'bob' }),
    ];
    expect(planChange({ lines }).teamRoles).toHaveLength(4);
  });

  it('lets the last word about a role count', () => {
    const lines = [lineOf('revoke', 'member'), lineOf('grant', 'member')];
    expect(planChange({ lines }).memberships).toMatchObject([{ grants: ['member'], ends: [] }]);
    expect(planChange({ lines: lines.toReversed() }).memberships).toMatchObject([{ grants: [], ends: ['member'] }]);
  });
});
