import { MalformedTeams, parseTeams, TeamTree } from './teams.js';

describe('teams', () => {
  it('know the team they are nested in', () => {
    const tree = new TeamTree(parseTeams('[{"org":"acme","team":"web","parent":"dev"},{"org":"acme","team":"dev"}]'));
    expect(tree.parentOf('acme', 'web')).toBe('dev');
    expect(tree.parentOf('acme', 'dev')).toBeUndefined();
    expect(tree.parentOf('acme', 'unknown')).toBeUndefined();
    expect(tree.parentOf('other', 'web')).toBeUndefined();
  });

  it.each([
    ['is not JSON', 'teams'],
    ['is no JSON array', '{}'],
    ['team number 2', '[{"org":"acme","team":"web","parent":""},{"org":"acme","parent":""}]'],
    ['team number 1', '[null]'],
  ])('refuse a file that %s', (problem, text) => {
    expect(() => parseTeams(text)).toThrow(MalformedTeams);
    expect(() => parseTeams(text)).toThrow(problem);
  });

  it('refuse a team that is nested in itself', () => {
    const around = [
      { org: 'acme', team: 'a', parent: 'b' },
      { org: 'acme', team: 'b', parent: 'a' },
    ];
    expect(() => new TeamTree(around)).toThrow('team a of acme is nested in itself');
  });

  it('refuse a team that is named twice', () => {
    const team = { org: 'acme', team: 'a', parent: '' };
    expect(() => new TeamTree([team, team])).toThrow('twice');
  });
});
