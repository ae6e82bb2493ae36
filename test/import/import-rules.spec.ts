import { MalformedHistory, type Team } from '../../libs/membership-import/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  eventsAfter,
  faultsOf,
  held,
  type HistoryLine,
  importInto,
  names,
  rolesInSpiceDb,
  streamOf,
} from './history-world.js';

type Said = [op: 'grant' | 'revoke', role: HistoryLine['role'], person: string, team?: string];

let app: TestApp;
let org: string;
let count = 0;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(async () => {
  const faults = await faultsOf(app);
  await app.stop();
  expect(faults).toEqual([]);
});
beforeEach(() => {
  org = `org-${++count}`;
});

/** Lines of one change of the organisation of the test. */
function change(number: number, ...said: Said[]): HistoryLine[] {
  const at = `2021-03-01T10:${String(number).padStart(2, '0')}:00-08:00`;
  return said.map(([op, role, person, team = '']) => ({ change: number, at, op, org, team, role, person }));
}

function take(lines: readonly object[], teams: readonly Team[] = [], options: Parameters<typeof importInto>[2] = {}) {
  return importInto(app, { lines: () => streamOf(lines), teams }, options);
}

/** Who holds what in the organisation of the test: `role person`, with the team where it is one. */
async function roles(): Promise<string[]> {
  const all = (await rolesInSpiceDb(app)).map((text) => JSON.parse(text) as [string, string, string, string]);
  return all.filter(([of]) => of === org).map(([, team, role, person]) => [role, person, team].join(' ').trim());
}

async function typesAfter(position: number): Promise<string[]> {
  return (await eventsAfter(app, position)).map(({ type }) => type).filter((type) => type !== 'import-progressed.v1');
}

const FOUNDED: Said[] = [
  ['grant', 'admin', 'ann'],
  ['grant', 'member', 'bob'],
  ['grant', 'maintainer', 'bob', 'web'],
  ['grant', 'member', 'ann', 'web'],
];

describe('one change', () => {
  it('makes one event of a change of role in a team', async () => {
    await take(change(1, ...FOUNDED));
    const head = await app.runtime.log.head();
    const changed = change(2, ['revoke', 'maintainer', 'bob', 'web'], ['grant', 'member', 'bob', 'web']);
    await take([...change(1, ...FOUNDED), ...changed]);
    expect(await typesAfter(head)).toEqual(['role-granted.v1']);
    expect(await roles()).toEqual(['admin ann', 'member bob', 'member ann web', 'member bob web']);
  });

  it('leaves alone what a person holds in teams when their role in the organisation changes', async () => {
    const promoted = change(2, ['revoke', 'member', 'bob'], ['grant', 'admin', 'bob']);
    const demoted = change(3, ['revoke', 'admin', 'bob'], ['grant', 'member', 'bob']);
    await take([...change(1, ...FOUNDED), ...promoted]);
    expect(await roles()).toEqual(['admin ann', 'admin bob', 'maintainer bob web', 'member ann web']);
    await take([...change(1, ...FOUNDED), ...promoted, ...demoted]);
    expect(await roles()).toEqual(['admin ann', 'member bob', 'maintainer bob web', 'member ann web']);
  });

  it('lets the only admin hand over to another', async () => {
    const leaving = change(
      2,
      ['revoke', 'admin', 'ann'],
      ['revoke', 'member', 'ann', 'web'],
      ['grant', 'admin', 'cem'],
    );
    const { refused } = await take([...change(1, ...FOUNDED), ...leaving]);
    expect(refused).toEqual([]);
    expect(await roles()).toEqual(['admin cem', 'member bob', 'maintainer bob web']);
  });

  it('lets people leave, with all they hold in teams, and come back with what they are given then', async () => {
    const leaving = change(2, ['revoke', 'member', 'bob']);
    const back = change(3, ['grant', 'member', 'bob'], ['grant', 'member', 'bob', 'ops']);
    await take([...change(1, ...FOUNDED), ...leaving]);
    expect(await roles()).toEqual(['admin ann', 'member ann web']);
    await take([...change(1, ...FOUNDED), ...leaving, ...back]);
    expect(await roles()).toEqual(['admin ann', 'member bob', 'member bob ops', 'member ann web']);
  });

  it('takes nothing away for a role that is not held, nor makes more than a user for it', async () => {
    await take(change(1, ...FOUNDED));
    const head = await app.runtime.log.head();
    const nothing: Said[] = [
      ['revoke', 'admin', 'bob'],
      ['revoke', 'member', 'bob', 'web'],
      ['revoke', 'member', `nobody of ${org}`, 'none'],
    ];
    await take([
      ...change(2, ...nothing),
      ...change(2, ['revoke', 'member', 'bob']).map((line) => ({ ...line, org: 'nowhere' })),
    ]);
    expect(await typesAfter(head)).toEqual(['identity-claimed.v1', 'user-registered.v1']);
    expect(await roles()).toEqual(['admin ann', 'member bob', 'maintainer bob web', 'member ann web']);
  });
});

describe('teams', () => {
  it('become workspaces below their parents, which need not be named by the history', async () => {
    const teams = [
      { org, team: 'docs', parent: 'web' },
      { org, team: 'web', parent: 'dev' },
      { org, team: 'dev', parent: '' },
    ];
    await take(change(1, ['grant', 'admin', 'ann'], ['grant', 'member', 'ann', 'docs']), teams);
    await app.settled();
    const { tenants, workspaces } = await names(app);
    const pathOf = (id: string | null): string =>
      id === null ? '' : `${pathOf(workspaces.get(id)!.parent_id)}/${workspaces.get(id)!.name}`;
    const paths = [...workspaces.values()]
      .filter(({ tenant_id }) => tenants.get(tenant_id) === org)
      .map(({ id }) => pathOf(id));
    expect(paths.sort()).toEqual([`/${org}`, `/${org}/dev`, `/${org}/dev/web`, `/${org}/dev/web/docs`]);
  });

  it('are found again in a later history, also where their workspace was renamed or made by hand', async () => {
    const ann = await app.admin.post('/v1/users', { displayName: 'a founder' });
    const { body: token } = await app.admin.post(`/v1/users/${ann.body.id}/tokens`, { name: 'test' });
    const founder = app.as(token.secret);
    const { body: tenant } = await founder.post('/v1/tenants', { name: org });
    const workspaces = `/v1/tenants/${tenant.id}/workspaces`;
    await founder.post(workspaces, { name: 'Web', parentId: tenant.rootWorkspaceId });
    await take(change(1, ['grant', 'member', 'bob', 'web'], ['grant', 'member', 'bob', 'ops']));
    await app.settled();
    const { body: list } = await founder.get(workspaces);
    const ops = (list.items as unknown as { id: string; name: string }[]).find(({ name }) => name === 'ops')!;
    await founder.post(`${workspaces}/${ops.id}/members`, { userId: ann.body.id, role: 'admin' });
    expect((await founder.patch(`${workspaces}/${ops.id}`, { name: 'Operations' })).status).toBe(200);
    const { workspaces: made } = await take(
      change(9, ['grant', 'member', 'cem', 'ops'], ['grant', 'member', 'cem', 'web']),
    );
    expect(made).toBe(0);
    expect((await roles()).filter((role) => role.startsWith('member')).sort()).toEqual([
      'member bob Operations',
      'member bob Web',
      'member cem Operations',
      'member cem Web',
    ]);
  });
});

describe('a refusal', () => {
  const removal: Said[] = [
    ['revoke', 'admin', 'ann'],
    ['grant', 'member', 'cem'],
  ];

  it('of the removal of the last admin is reported with its line; the rest is carried out', async () => {
    const lines = [...change(1, ...FOUNDED), ...change(2, ...removal)];
    const first = await take(lines);
    expect(first.refused).toEqual([{ line: 5, code: 'last-admin' }]);
    expect(await roles()).toContain('admin ann');
    expect(await roles()).toContain('member cem');
    const head = await app.runtime.log.head();
    const again = await take(lines);
    expect(again).toMatchObject({ refused: first.refused, unchanged: lines.length });
    expect(await eventsAfter(app, head)).toEqual([]);
  });

  it('of a malformed line comes before anything is done', async () => {
    const lines = [...change(1, ...FOUNDED), { change: 2 }];
    const head = await app.runtime.log.head();
    await expect(take(lines)).rejects.toThrow(MalformedHistory);
    await expect(take(lines)).rejects.toThrow('line 5');
    expect(await eventsAfter(app, head)).toEqual([]);
  });

  it('comes for names that would be one workspace', async () => {
    const lines = change(1, ['grant', 'member', 'bob', 'web'], ['grant', 'member', 'bob', 'WEB']);
    await expect(take(lines)).rejects.toThrow('line 2');
  });
});

describe('a history that is imported again', () => {
  it('decides nothing anew: what did nothing then might do something now', async () => {
    const nothing = [...change(1, ...FOUNDED), ...change(2, ['revoke', 'member', 'cem', 'web'])];
    await take(nothing);
    await take(change(7, ['grant', 'member', 'cem', 'web']));
    await take(nothing);
    expect(await roles()).toContain('member cem web');
  });

  it('goes on where a shorter version of it ended', async () => {
    const short = change(1, ...FOUNDED);
    await take(short);
    const { unchanged, grants } = await take([...short, ...change(2, ['grant', 'member', 'dan'])]);
    expect({ unchanged, grants }).toEqual({ unchanged: 4, grants: 1 });
  });

  it('gives the same persons for one issuer, and others for another', async () => {
    const lines = change(1, ...FOUNDED);
    expect(await take(lines)).toMatchObject({ users: expect.any(Number), unchanged: 0 });
    expect(await take(change(4, ['grant', 'member', 'bob', 'ops']))).toMatchObject({ users: 0 });
    expect(await take(lines, [], { issuer: 'elsewhere' })).toMatchObject({ users: 2, tenants: 0, unchanged: 0 });
    expect((await roles()).filter((role) => role.startsWith('admin'))).toHaveLength(2);
  });
});

it('a later part gives what the whole would, also where it comes alone', async () => {
  const lines = [
    ...change(1, ...FOUNDED),
    ...change(2, ['grant', 'member', 'cem'], ['grant', 'member', 'cem', 'web']),
    ...change(3, ['revoke', 'maintainer', 'bob', 'web'], ['grant', 'member', 'bob', 'web'], ['grant', 'member', 'dan']),
    ...change(4, ['revoke', 'member', 'cem', 'web'], ['revoke', 'member', 'cem']),
  ];
  await take(lines.slice(0, 6));
  await take(lines.slice(6));
  const whole = await roles();
  expect(whole).toEqual(['admin ann', 'member bob', 'member dan', 'member ann web', 'member bob web']);
  const other = `${org}-alone`;
  await take(lines.slice(6).map((line) => ({ ...line, org: other })));
  org = other;
  expect(await roles()).toEqual(['member dan', 'member bob web']);
  expect(held(lines[0]!)).toContain('ann');
});
