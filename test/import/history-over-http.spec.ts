import type { AnswerBody, ApiAnswer, ApiClient } from '../../libs/testing/api-client.js';
import type { Membership } from '../../libs/testing/membership-history.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  allLines,
  faultsOf,
  held,
  type History,
  type HistoryLine,
  ISSUER,
  rolesInSpiceDb,
  someHistory,
} from './history-world.js';

const LONG_MS = 240_000;
const LINES = 120;

interface Person extends ApiClient {
  id: string;
}
interface Step extends Pick<Membership, 'org' | 'team' | 'person'> {
  grant?: Membership['role'];
  revoke?: Membership['role'];
}

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app?.stop());

it(
  'a part of the history, played over HTTP as requests and decisions, ends with the same roles',
  async () => {
    const played = new Played(app);
    const changes = changesOf(await partOf(await someHistory(), LINES));
    for (const lines of changes) for (const step of stepsOf(lines)) await played.play(step);
    expect(await rolesInSpiceDb(app)).toEqual(played.expected());
    expect(played.approved).toBeGreaterThan(5);
    expect(played.revoked).toBeGreaterThan(0);
    expect(await faultsOf(app)).toEqual([]);
  },
  LONG_MS,
);

/** The whole lives, in the smallest organisation with so many lines, of whoever administrates it and a few more. */
async function partOf(history: History, count: number): Promise<HistoryLine[]> {
  const lines = (await allLines(history)).filter(Boolean).map((line) => JSON.parse(line) as HistoryLine);
  const orgs = [...new Set(lines.map(({ org }) => org))].map((org) => lines.filter((line) => line.org === org));
  const [smallest = lines] = orgs.filter((own) => own.length > count).sort((a, b) => a.length - b.length);
  const persons = new Set(smallest.filter(({ role }) => role === 'admin').map(({ person }) => person));
  const theirs = (): HistoryLine[] => smallest.filter(({ person }) => persons.has(person));
  for (const { person } of smallest) if (theirs().length < count) persons.add(person);
  return theirs();
}

function changesOf(lines: readonly HistoryLine[]): HistoryLine[][] {
  const changes = new Map<number, HistoryLine[]>();
  for (const line of lines) changes.set(line.change, [...(changes.get(line.change) ?? []), line]);
  return [...changes.values()];
}

/** One for each person and target: new admins first, then who leaves teams and the organisation, then who joins teams. */
function stepsOf(lines: readonly HistoryLine[]): Step[] {
  const steps = new Map<string, Step>();
  for (const { org, team, person, op, role } of lines) {
    const key = `${team}/${person}`;
    steps.set(key, { org, team, person, ...steps.get(key), [op]: role });
  }
  const order = ({ team, grant }: Step): number => {
    if (team !== '') return grant ? 3 : 1;
    return grant === 'admin' ? 0 : 2;
  };
  return [...steps.values()].sort((a, b) => order(a) - order(b));
}

/** Plays steps as people would. */
class Played {
  approved = 0;
  revoked = 0;
  private readonly people = new Map<string, Person>();
  private readonly tenants = new Map<string, { path: string; rootId: string }>();
  private readonly workspaces = new Map<string, string>();
  private readonly requests = new Map<string, string>();
  private readonly memberships = new Map<string, Membership>();

  constructor(private readonly app: TestApp) {}

  expected(): string[] {
    return [...this.memberships.values()].map(held).sort();
  }

  async play(step: Step): Promise<void> {
    const { org, team, person, grant } = step;
    await (team === '' ? this.inOrganisation(step) : this.inTeam(step));
    const key = JSON.stringify([org, team, person]);
    if (grant) this.memberships.set(key, { org, team, role: grant, person });
    else this.memberships.delete(key);
  }

  private async inOrganisation({ org, person, grant, revoke }: Step): Promise<void> {
    const { id: userId, post } = await this.personOf(person);
    if (!this.tenants.has(org)) {
      const { body } = await done(post('/v1/tenants', { name: org }));
      this.tenants.set(org, { path: `/v1/tenants/${body.id}`, rootId: body.rootWorkspaceId });
      return;
    }
    const admin = await this.adminOf(org, person);
    const members = `${this.tenants.get(org)!.path}/members`;
    if (!grant) await done(admin.delete(`${members}/${userId}`));
    else if (revoke) await done(admin.patch(`${members}/${userId}`, { role: grant }));
    else await done(admin.post(members, { userId, role: grant }));
  }

  private async inTeam(step: Step): Promise<void> {
    const { org, team, person, grant, revoke } = step;
    const { path } = this.tenants.get(org)!;
    const workspaceId = await this.workspaceOf(org, team);
    const { id: userId } = await this.personOf(person);
    const admin = await this.adminOf(org);
    const members = `${path}/workspaces/${workspaceId}/members`;
    const requestId = this.requests.get(`${workspaceId} ${userId}`);
    const role = grant === 'maintainer' ? 'admin' : grant;
    if (grant && revoke) {
      await done(admin.patch(`${members}/${userId}`, { role }));
      this.requests.delete(`${workspaceId} ${userId}`);
    } else if (grant) await this.request(step, { workspaceId, role: role! });
    else if (requestId) {
      await done(admin.post(`${path}/requests/${requestId}/revocation`, {}));
      this.requests.delete(`${workspaceId} ${userId}`);
      this.revoked++;
    } else await done(admin.delete(`${members}/${userId}`));
  }

  private async request(
    { org, person }: Step,
    { workspaceId, role }: { workspaceId: string; role: string },
  ): Promise<void> {
    const requester = await this.personOf(person);
    const { path } = this.tenants.get(org)!;
    const reviewer = await this.adminOf(org, person);
    const body = { kind: 'role', role, target: { type: 'workspace', id: workspaceId }, reason: 'joins the team' };
    const { body: request } = await done(requester.post(`${path}/requests`, body));
    const decided = await done(reviewer.post(`${path}/requests/${request.id}/decision`, { decision: 'approved' }));
    expect(decided.body).toMatchObject({ status: 'approved', effective: true });
    this.requests.set(`${workspaceId} ${requester.id}`, request.id);
    this.approved++;
  }

  /** Who creates a workspace is its admin: here nobody is to gain by it. */
  private async workspaceOf(org: string, team: string): Promise<string> {
    const key = JSON.stringify([org, team]);
    const known = this.workspaces.get(key);
    if (known) return known;
    const { path, rootId: parentId } = this.tenants.get(org)!;
    const admin = await this.adminOf(org);
    const { body } = await done(admin.post(`${path}/workspaces`, { name: team, parentId }));
    await done(admin.delete(`${path}/workspaces/${body.id}/members/${admin.id}`));
    this.workspaces.set(key, body.id);
    return body.id;
  }

  private async adminOf(org: string, other?: string): Promise<Person> {
    const admins = [...this.memberships.values()].filter(
      (member) => member.org === org && member.team === '' && member.role === 'admin' && member.person !== other,
    );
    return this.personOf(admins[0]!.person);
  }

  private async personOf(person: string): Promise<Person> {
    const known = this.people.get(person);
    if (known) return known;
    const externalIdentity = { issuer: ISSUER, subject: person };
    const { body: user } = await done(this.app.admin.post('/v1/users', { displayName: person, externalIdentity }));
    const { body: token } = await done(this.app.admin.post(`/v1/users/${user.id}/tokens`, { name: 'test' }));
    const registered = { id: user.id, ...this.app.as(token.secret) };
    this.people.set(person, registered);
    return registered;
  }
}

async function done(call: Promise<ApiAnswer<AnswerBody>>): Promise<ApiAnswer<AnswerBody>> {
  const answer = await call;
  if (answer.status >= 400) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return answer;
}
