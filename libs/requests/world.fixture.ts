interface Answer {
  status: number;
  headers: Headers;
  body: { [field: string]: unknown };
}
interface Client {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  put(path: string, body?: unknown): Promise<Answer>;
  delete(path: string): Promise<Answer>;
}
interface Product {
  admin: Client;
  as(token?: string): Client;
}
export interface Person extends Client {
  id: string;
  name: string;
}

/** A tenant with an admin, two members and a workspace, over HTTP. */
export class World {
  private constructor(
    private readonly product: Product,
    readonly tenantId: string,
    readonly rootId: string,
    readonly adm: Person,
    readonly u1: Person,
    readonly u2: Person,
    readonly workspaceId: string,
  ) {}

  static async create(product: Product, name: string): Promise<World> {
    const named = (short: string) => person(product, `${name} ${short}`);
    const [adm, u1, u2] = await Promise.all([named('adm'), named('u1'), named('u2')]);
    const tenant = (await done(adm.post('/v1/tenants', { name }))).body as { id: string; rootWorkspaceId: string };
    const world = new World(product, tenant.id, tenant.rootWorkspaceId, adm, u1, u2, '');
    const members = [u1, u2].map(({ id: userId }) => adm.post(`${world.path}/members`, { userId, role: 'member' }));
    const [workspaceId] = await Promise.all([world.workspace('work'), ...members.map(done)]);
    return Object.assign(world, { workspaceId });
  }

  get path(): string {
    return `/v1/tenants/${this.tenantId}`;
  }

  stranger(): Promise<Person> {
    return person(this.product, 'stranger');
  }

  async workspace(name: string): Promise<string> {
    const made = await done(this.adm.post(`${this.path}/workspaces`, { name, parentId: this.rootId }));
    return String(made.body.id);
  }

  async member(name: string): Promise<Person> {
    const somebody = await person(this.product, name);
    await done(this.adm.post(`${this.path}/members`, { userId: somebody.id, role: 'member' }));
    return somebody;
  }

  /** Adds somebody to a workspace. */
  assign(somebody: Person, role: string, workspaceId = this.workspaceId): Promise<Answer> {
    return done(this.adm.post(`${this.path}/workspaces/${workspaceId}/members`, { userId: somebody.id, role }));
  }

  ask(by: Person, body: object = {}, headers?: Record<string, string>): Promise<Answer> {
    const asked = { kind: 'role', role: 'editor', target: { type: 'workspace', id: this.workspaceId }, ...body };
    return by.post(`${this.path}/requests`, asked, headers);
  }

  async asked(by: Person, body: object = {}): Promise<string> {
    return String((await done(this.ask(by, body))).body.id);
  }

  decide(by: Person, requestId: string, decision: string, body: object = {}): Promise<Answer> {
    return by.post(`${this.path}/requests/${requestId}/decision`, { decision, ...body });
  }

  async granted(to: Person, body: object = {}): Promise<string> {
    const requestId = await this.asked(to, body);
    await done(this.decide(this.adm, requestId, 'approved'));
    return requestId;
  }

  withdraw(by: Person, requestId: string): Promise<Answer> {
    return by.post(`${this.path}/requests/${requestId}/withdrawal`);
  }

  revoke(by: Person, requestId: string, body: object = {}): Promise<Answer> {
    return by.post(`${this.path}/requests/${requestId}/revocation`, body);
  }

  async request(requestId: string, token?: string | null): Promise<{ [field: string]: unknown }> {
    const path = `${this.path}/requests/${requestId}`;
    return (await done(this.adm.get(path, token ? { 'consistency-token': token } : {}))).body;
  }

  async ids(by: Person, query = ''): Promise<string[]> {
    const { body } = await done(by.get(`${this.path}/requests${query}`));
    return (body.items as { id: string }[]).map(({ id }) => id);
  }

  async can(somebody: Person, permission: string, resource: { type: string; id: string }): Promise<boolean> {
    return (await done(somebody.post('/v1/permissions/check', { resource, permission }))).body.allowed as boolean;
  }

  canEdit(somebody: Person, id = this.workspaceId): Promise<boolean> {
    return this.can(somebody, 'edit', { type: 'workspace', id });
  }
}

async function person(product: Product, name: string): Promise<Person> {
  const user = await done(product.admin.post('/v1/users', { displayName: name }));
  const id = String(user.body.id);
  const token = await done(product.admin.post(`/v1/users/${id}/tokens`, { name: 'test' }));
  return { id, name, ...product.as(String(token.body.secret)) };
}

/** @throws unless the call went well */
export async function done(call: Promise<Answer>): Promise<Answer> {
  const answer = await call;
  if (answer.status >= 400) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return answer;
}
