import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  allPages,
  aMember,
  aServiceAccount,
  aTenant,
  aUserWithToken,
  checkedApp,
  done,
  events,
  ifMatch,
  key,
  type Person,
  relationships,
  type TestTenant,
  UNKNOWN,
} from './world.js';

const CHECKERS = '/v1/checkers';

let app: TestApp;
let tenant: TestTenant;
let asked: Person;

checkedApp(async () => (app = await startTestApp()));

beforeAll(async () => {
  tenant = await aTenant(app);
  asked = await aMember(app, tenant);
});

const user = ({ id }: { id: string }) => ({ type: 'user', id });
const grant = (subject: object, headers?: Record<string, string>) => app.admin.post(CHECKERS, { subject }, headers);
/** Whether a member of the tenant may see it: what a checker may ask. */
const ask = (by: Pick<Person, 'post'>) =>
  by.post('/v1/permissions/check', {
    resource: { type: 'tenant', id: tenant.id },
    permission: 'view',
    subject: user(asked),
  });
const stored = async (id: string) =>
  (await events(app)).filter(({ type, data }) => {
    return type.startsWith('system-checker') && (data['subject'] as { id: string }).id === id;
  });

describe('a checker of the installation', () => {
  it('is made by a system admin, asks about others in every tenant, and is listed', async () => {
    const person = await aUserWithToken(app, 'checker');
    expect((await ask(person)).body).toEqual({ allowed: false });
    const granted = await grant(user(person));
    expect(granted).toMatchObject({
      status: 201,
      body: { id: person.id, subject: user(person), revision: 1, effective: true },
    });
    expect((await ask(person)).body).toEqual({ allowed: true });
    expect(await relationships(app, 'system', person.id)).toEqual([`system:installation#checker@user:${person.id}`]);
    expect((await done(app.admin.get(`${CHECKERS}?limit=200`))).body.items).toContainEqual({
      ...{ id: person.id, subject: user(person), displayName: person.name, active: true, revision: 1 },
      since: granted.body['since'],
    });
    const { body } = await done(app.admin.get('/v1/audit-log?action=system-checker.granted&limit=1'));
    expect(body.items).toMatchObject([
      { action: 'system-checker.granted', resource: { type: 'system' }, newValues: { subject: `user:${person.id}` } },
    ]);
  });

  it('may be a service account, until it is deleted', async () => {
    const robot = await aServiceAccount(app, tenant);
    expect((await ask(robot)).body).toEqual({ allowed: false });
    await done(grant(robot.subject));
    expect((await ask(robot)).body).toEqual({ allowed: true });
    await done(tenant.owner.delete(robot.path));
    await app.settled();
    expect((await stored(robot.subject.id)).at(-1)).toMatchObject({ data: { reason: 'subject-gone' } });
    expect(await relationships(app, 'system', robot.subject.id)).toEqual([]);
    expect((await allPages(app.admin, CHECKERS, 2)).map(({ id }) => id)).not.toContain(robot.subject.id);
  });

  it('is none any more once it is revoked, or the user is deactivated', async () => {
    const [first, second] = [await aUserWithToken(app), await aUserWithToken(app)];
    for (const person of [first, second]) await done(grant(user(person)));
    expect((await app.admin.delete(`${CHECKERS}/${first.id}`, ifMatch(2))).status).toBe(412);
    expect((await app.admin.delete(`${CHECKERS}/${first.id.toLowerCase()}`, ifMatch(1))).status).toBe(204);
    expect((await ask(first)).body).toEqual({ allowed: false });
    expect((await app.admin.delete(`${CHECKERS}/${first.id}`)).status).toBe(404);
    expect((await grant(user(first))).body).toMatchObject({ revision: 3 });
    await done(app.admin.delete(`/v1/users/${second.id}`));
    await app.settled();
    expect((await stored(second.id)).map(({ type }) => type)).toEqual([
      'system-checker-granted.v1',
      'system-checker-ended.v1',
    ]);
    expect(await relationships(app, 'system', second.id)).toEqual([]);
  });

  it('rests while the user is suspended', async () => {
    const person = await aUserWithToken(app);
    await done(app.admin.post(`/v1/users/${person.id}/suspension`, {}));
    await done(grant(user(person)));
    expect(await relationships(app, 'system', person.id)).toEqual([]);
    await done(app.admin.post(`/v1/users/${person.id}/reinstatement`, {}));
    expect((await ask(person)).body).toEqual({ allowed: true });
  });
});

describe('making a checker', () => {
  it('a second time, and by many at once, changes nothing', async () => {
    const person = await aUserWithToken(app);
    const answers = await Promise.all([1, 2, 3, 4].map(() => grant(user(person))));
    expect(answers.map(({ status, body }) => [status, body['revision']])).toEqual(Array(4).fill([201, 1]));
    expect(await stored(person.id)).toHaveLength(1);
  });

  it('twice with one Idempotency-Key is answered alike, whatever became of it', async () => {
    const person = await aUserWithToken(app);
    const first = await done(grant(user(person), key('checker')));
    await done(app.admin.delete(`${CHECKERS}/${person.id}`, key('no-checker')));
    expect((await grant(user(person), key('checker'))).body).toMatchObject({ id: first.body.id, revision: 1 });
    expect((await app.admin.delete(`${CHECKERS}/${person.id}`, key('no-checker'))).status).toBe(204);
    expect(await stored(person.id)).toHaveLength(2);
    expect((await grant(user(asked), key('checker'))).status).toBe(422);
  });

  it.each<[string, unknown, string]>([
    ['nobody', undefined, 'subject'],
    ['no object', 'user', 'subject'],
    ['no type', { id: UNKNOWN }, 'subject.type'],
    ['an unknown type', { type: 'group', id: UNKNOWN }, 'subject.type'],
    ['no id', { type: 'user' }, 'subject.id'],
    ['a malformed id', { type: 'user', id: 'me' }, 'subject.id'],
    ['an id that is too long', { type: 'user', id: `${UNKNOWN}0` }, 'subject.id'],
    ['an unknown user', { type: 'user', id: UNKNOWN }, 'subject.id'],
    ['an unknown service account', { type: 'service_account', id: UNKNOWN }, 'subject.id'],
    ['a field that it does not know', { type: 'user', id: UNKNOWN, role: 'checker' }, 'subject.role'],
  ])('of %s is refused with 422', async (_fault, subject, field) => {
    expect(await app.admin.post(CHECKERS, { subject })).toMatchObject({ status: 422, body: { field } });
  });

  it('of a user who was deactivated, or of one called a service account, is refused', async () => {
    const gone = await aUserWithToken(app);
    await done(app.admin.delete(`/v1/users/${gone.id}`));
    for (const subject of [user(gone), { type: 'service_account', id: asked.id }]) {
      expect(await grant(subject)).toMatchObject({ status: 422, body: { code: 'subject-not-found' } });
    }
  });

  it('is for system admins alone; unknown ids are 404, malformed ones 400', async () => {
    const checker = await aUserWithToken(app);
    await done(grant(user(checker)));
    for (const by of [checker, tenant.owner]) {
      expect((await by.get(CHECKERS)).status).toBe(403);
      expect((await by.post(CHECKERS, { subject: user(by) })).status).toBe(403);
      expect((await by.delete(`${CHECKERS}/${checker.id}`)).status).toBe(403);
    }
    expect((await app.admin.delete(`${CHECKERS}/${UNKNOWN}`)).status).toBe(404);
    expect((await app.admin.delete(`${CHECKERS}/me`)).status).toBe(400);
    expect((await app.admin.get(`${CHECKERS}?type=user`)).status).toBe(400);
    expect((await app.admin.get(`${CHECKERS}?limit=0`)).status).toBe(400);
  });
});
