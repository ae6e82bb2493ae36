import { readFile } from 'node:fs/promises';
import { projectPath } from '../../libs/embedded/index.js';
import { BEFORE_START, type StoredEvent } from '../../libs/event-store/index.js';
import type { AnswerBody, ApiAnswer, ApiClient } from '../../libs/testing/api-client.js';
import type { TestApp } from '../../libs/testing/test-app.js';
import { checkInvariants } from '../../libs/verification/index.js';

export const UNKNOWN = '01JQ0000000000000000000ABC';

export interface Person extends ApiClient {
  id: string;
  name: string;
  token: string;
}
export interface TestTenant {
  id: string;
  name: string;
  rootId: string;
  /** `/v1/tenants/{id}` */
  path: string;
  /** Created it, and so is its admin. */
  owner: Person;
}
export type Answered = ApiAnswer<AnswerBody>;

let names = 0;

export function uniqueName(prefix: string): string {
  return `${prefix} ${++names}`;
}

/** @throws unless the call went well and its effect is live */
export async function done(call: Promise<Answered>): Promise<Answered> {
  const answer = await call;
  if (answer.status >= 400) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return answer;
}

export async function aUserWithToken(app: TestApp, prefix = 'user'): Promise<Person> {
  const name = uniqueName(prefix);
  const { body: user } = await done(app.admin.post('/v1/users', { displayName: name }));
  const { body: issued } = await done(app.admin.post(`/v1/users/${user.id}/tokens`, { name: 'test' }));
  return { id: user.id, name, token: issued.secret, ...app.as(issued.secret) };
}

export async function aTenant(
  app: TestApp,
  { owner, name = uniqueName('tenant') }: Partial<TestTenant> = {},
): Promise<TestTenant> {
  const creator = owner ?? (await aUserWithToken(app, 'owner'));
  const { body } = await done(creator.post('/v1/tenants', { name }));
  return { id: body.id, name, rootId: body.rootWorkspaceId, path: `/v1/tenants/${body.id}`, owner: creator };
}

/** A user who is a member of the tenant, plain unless told. */
export async function aMember(app: TestApp, tenant: TestTenant, role = 'member'): Promise<Person> {
  const person = await aUserWithToken(app, role);
  await done(tenant.owner.post(`${tenant.path}/members`, { userId: person.id, role }));
  return person;
}

/** A service account of the tenant that holds nothing, and calls with a token of its own. */
export async function aServiceAccount(app: TestApp, tenant: TestTenant) {
  const accounts = `${tenant.path}/service-accounts`;
  const { body: account } = await done(tenant.owner.post(accounts, { name: uniqueName('robot') }));
  const path = `${accounts}/${account.id}`;
  const { body: token } = await done(tenant.owner.post(`${path}/tokens`, {}));
  const subject = { type: 'service_account', id: account.id as string };
  return { ...account, path, subject, tokenId: token.id, secret: token.secret, ...app.as(token.secret) };
}

/** Creates a workspace as the tenant's owner, below the root unless told. */
export async function aWorkspace(
  tenant: TestTenant,
  { name = uniqueName('workspace'), parentId = tenant.rootId } = {},
): Promise<string> {
  return (await done(tenant.owner.post(`${tenant.path}/workspaces`, { name, parentId }))).body.id;
}

/** Creates a role of the tenant that can be asked for, as its owner. @returns its id */
export async function aRole(tenant: TestTenant, name = uniqueName('role')): Promise<string> {
  const defined = { name, permissions: ['apps:read'], requestable: true };
  return (await done(tenant.owner.post(`${tenant.path}/roles`, defined))).body.id;
}

export const key = (value: string): Record<string, string> => ({ 'idempotency-key': value });
export const ifMatch = (revision: number): Record<string, string> => ({ 'if-match': `"${revision}"` });
export const consistency = (answer: Answered): Record<string, string> => ({
  'consistency-token': answer.headers.get('consistency-token') ?? '',
});

/** All relationships of a type that SpiceDB has now, in order; those that name `about` alone where it is given. */
export async function relationships(app: TestApp, type: string, about = ''): Promise<string[]> {
  await app.settled();
  const found: string[] = [];
  for await (const page of app.runtime.spicedb.readAll(type)) found.push(...page.map(({ tuple }) => tuple));
  return found.filter((tuple) => tuple.includes(about)).sort();
}

/** Every relationship of any type of schema.zed that names the id. */
export async function relationshipsNaming(app: TestApp, id: string): Promise<string[]> {
  const schema = await readFile(projectPath('schema.zed'), 'utf8');
  const types = [...schema.matchAll(/^definition (\w+)/gm)].map((match) => match[1]!);
  const found = await Promise.all(types.map((type) => relationships(app, type, id)));
  return found.flat();
}

/** Events in the order of the log. */
export async function events(app: TestApp, after = BEFORE_START): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  for (let position = after; ; position = found.at(-1)!.position) {
    const page = await app.runtime.log.readAll(position, 1_000);
    if (page.length === 0) return found;
    found.push(...page);
  }
}

export async function tenantEvents(app: TestApp, tenantId: string): Promise<StoredEvent[]> {
  return (await events(app)).filter(({ metadata }) => metadata.tenantId === tenantId);
}

/** What the log and SpiceDB hold: to be compared before and after something that is refused. */
export async function everything(app: TestApp, tenant: TestTenant): Promise<unknown> {
  const tuples = [...(await relationshipsNaming(app, tenant.id)), ...(await relationshipsNaming(app, tenant.rootId))];
  return { events: (await tenantEvents(app, tenant.id)).map(({ id }) => id), tuples };
}

/** Every item of a list, page by page. */
export async function allPages(client: ApiClient, path: string, limit: number): Promise<AnswerBody[]> {
  const items: AnswerBody[] = [];
  const separator = path.includes('?') ? '&' : '?';
  for (let cursor: string | null = ''; cursor !== null;) {
    const query: string = `${separator}limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const { body } = await done(client.get(path + query));
    items.push(...(body.items as AnswerBody[]));
    cursor = body.nextCursor as string | null;
  }
  return items;
}

/** Holds the relay at one of its points, as if it were slow or away. */
export class Gate<Point extends string> {
  private held: Point | undefined;
  private opened: (() => void)[] = [];

  readonly at = (point: Point): Promise<void> | undefined =>
    point === this.held ? new Promise((resolve) => this.opened.push(resolve)) : undefined;

  hold(point: Point): void {
    this.held = point;
  }

  open(): void {
    this.held = undefined;
    for (const resolve of this.opened.splice(0)) resolve();
  }
}

/** Puts functions in the place of an object's own, until they are taken back. */
export class StandIns {
  private readonly taken: (() => void)[] = [];

  put<T extends object, Name extends keyof T>(object: T, name: Name, standIn: T[Name]): void {
    const own = Object.getOwnPropertyDescriptor(object, name);
    Object.defineProperty(object, name, { value: standIn, configurable: true });
    this.taken.push(() => {
      Reflect.deleteProperty(object, name);
      if (own) Object.defineProperty(object, name, own);
    });
  }

  takeBack(): void {
    for (const take of this.taken.splice(0)) take();
  }
}

/** Stops the app, once everything at rest is as the log alone says that it should be. */
export async function stopChecked(app: TestApp | undefined): Promise<void> {
  if (!app) return;
  try {
    await app.settled();
    const { log, pool, spicedb, domain } = app.runtime;
    const { checks } = await checkInvariants({ log, pool, spicedb, domain, partition: 0 });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  } finally {
    await app.stop();
  }
}

/**
 * Has an app run for the tests of a file, checked when it is stopped.
 * @param start keeps it for them as well: `async () => (app = await startTestApp())`
 */
export function checkedApp(start: () => Promise<TestApp>): void {
  let app: TestApp | undefined;
  beforeAll(async () => {
    app = await start();
  });
  afterAll(async () => {
    await stopChecked(app);
  });
}
