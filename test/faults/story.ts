import {
  type AnswerBody,
  type ApiAnswer,
  type ApiClient,
  apiClient,
  type Observe,
} from '../../libs/testing/api-client.js';
import type { Started } from './killable.js';

/** What is killed, and serves again once it is started. */
export interface Restartable {
  readonly observe?: Observe;
  start(): Promise<Pick<Started, 'url' | 'token'> | undefined>;
  kill(): Promise<unknown>;
}

/** Tells one story over HTTP, whatever happens to the process: each call has a key, and is repeated until it is answered. */
export class Teller<Product extends Restartable = Restartable> {
  readonly answers: { step: string; status: number; id: string | undefined }[] = [];
  restarts = 0;
  private admin: ApiClient;
  private key = 0;
  /** Of the last answer: the relay may be away just then. */
  private seen: Record<string, string> = {};

  constructor(
    private readonly product: Product,
    private current: NonNullable<Awaited<ReturnType<Product['start']>>>,
    private readonly name: string,
  ) {
    this.admin = apiClient(current.url, current.token, product.observe);
  }

  get started(): NonNullable<Awaited<ReturnType<Product['start']>>> {
    return this.current;
  }

  async tell(): Promise<void> {
    const user = await this.id('user', (api) =>
      api.post('/v1/users', { displayName: `Ann ${this.name}` }, this.next()),
    );
    const tenant = await this.id('tenant', (api) => api.post('/v1/tenants', { name: this.name }, this.next()));
    const { rootWorkspaceId } = (await this.step('root', (api) => api.get(`/v1/tenants/${tenant}`, this.seen))).body;
    const path = `/v1/tenants/${tenant}`;
    const workspace = await this.id('workspace', (api) =>
      api.post(`${path}/workspaces`, { name: 'Engineering', parentId: rootWorkspaceId }, this.next()),
    );
    await this.step('member', (api) => api.post(`${path}/members`, { userId: user, role: 'member' }, this.next()));
    const token = await this.step('token', (api) =>
      api.post(`/v1/users/${user}/tokens`, { name: 'hers' }, this.next()),
    );
    const target = { type: 'workspace', id: workspace };
    const secret = token.body['secret'] as unknown as string | null;
    if (secret) await this.requestAndDecide(path, target, secret);
    await this.step('role', (api) =>
      api.post(`${path}/workspaces/${workspace}/members`, { userId: user, role: 'editor' }, this.next()),
    );
    await this.step('promotion', (api) => api.patch(`${path}/members/${user}`, { role: 'admin' }, this.next()));
    await this.step('removal', (api) => api.delete(`${path}/members/${user}`, this.next()));
    const doomed = await this.id('doomed', (api) =>
      api.post('/v1/tenants', { name: `${this.name} doomed` }, this.next()),
    );
    await this.step('deletion', (api) => api.delete(`/v1/tenants/${doomed}`, this.next()));
  }

  private async requestAndDecide(path: string, target: object, secret: string): Promise<void> {
    const hers = (): ApiClient => apiClient(this.current.url, secret, this.product.observe);
    const body = { kind: 'role', role: 'member', target };
    const request = await this.id('request', () => hers().post(`${path}/requests`, body, this.next()));
    const decision = { decision: 'approved', note: 'welcome' };
    await this.step('approval', (api) => api.post(`${path}/requests/${request}/decision`, decision, this.next()));
    await this.step('revocation', (api) => api.post(`${path}/requests/${request}/revocation`, {}, this.next()));
  }

  private next(): Record<string, string> {
    return { 'idempotency-key': `${this.name.replaceAll(' ', '-')}-${this.key}` };
  }

  private async id(step: string, call: (api: ApiClient) => Promise<ApiAnswer<AnswerBody>>): Promise<string> {
    return (await this.step(step, call)).body['id'] as unknown as string;
  }

  /** Repeats one call, with the same key, until the product answers it. */
  private async step(
    name: string,
    call: (api: ApiClient) => Promise<ApiAnswer<AnswerBody>>,
  ): Promise<ApiAnswer<AnswerBody>> {
    this.key++;
    for (;;) {
      const answer = await call(this.admin).catch(() => undefined);
      if (answer && answer.status !== 503) {
        if (answer.status >= 400) throw new Error(`${name}: ${answer.status} ${JSON.stringify(answer.body)}`);
        const token = answer.headers.get('consistency-token');
        if (token) this.seen = { 'consistency-token': token };
        this.answers.push({ step: name, status: answer.status, id: answer.body?.['id'] });
        return answer;
      }
      if (!answer) await this.restart();
    }
  }

  private async restart(): Promise<void> {
    await this.product.kill();
    const started = await this.product.start();
    if (!started) throw new Error('the product does not start again');
    this.restarts++;
    this.current = started as NonNullable<Awaited<ReturnType<Product['start']>>>;
    this.admin = apiClient(started.url, started.token, this.product.observe);
  }
}
