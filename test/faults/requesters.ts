import { type AnswerBody, type ApiAnswer, type ApiClient, apiClient } from '../../libs/testing/api-client.js';
import { until } from '../../libs/testing/index.js';
import { ADMIN_TOKEN } from './servers.js';

interface Person {
  id: string;
  token: string;
}
type Ask = (api: ApiClient, headers: Record<string, string>) => Promise<ApiAnswer<AnswerBody>>;

const PATIENCE_MS = 120_000;

/** People who ask for roles, and an admin who approves; each call is made again, with its key, until it is answered. */
export class Requesters {
  /** Ids of the requests that were made. */
  readonly requests: string[] = [];
  private people: Person[] = [];
  private workspaces: string[] = [];
  private path = '';
  private turn = 0;
  private key = 0;
  private counts = { answered: 0, failed: 0 };

  constructor(private readonly urls: string[]) {}

  replace(index: number, url: string): void {
    this.urls[index] = url;
  }

  /** Resolves when so many more calls were answered. */
  async answered(more: number): Promise<void> {
    const wanted = this.counts.answered + more;
    await until(() => this.counts.answered >= wanted, PATIENCE_MS);
  }

  /** Resolves when so many more calls had no answer, or one that says to come back. */
  async failed(more: number): Promise<void> {
    const wanted = this.counts.failed + more;
    await until(() => this.counts.failed >= wanted, PATIENCE_MS);
  }

  async prepare({ people, workspaces }: { people: number; workspaces: number }): Promise<void> {
    const patient = { prefer: 'wait=30' };
    const make = async (path: string, body: object): Promise<AnswerBody> =>
      (await this.insist(ADMIN_TOKEN, (api, headers) => api.post(path, body, { ...headers, ...patient }))).body;
    const tenant = await make('/v1/tenants', { name: 'Outages' });
    this.path = `/v1/tenants/${tenant.id}`;
    const parentId: string = tenant.rootWorkspaceId;
    const numbers = (count: number): number[] => Array.from({ length: count }, (_, number) => number);
    this.people = await Promise.all(
      numbers(people).map(async (number) => {
        const { id } = await make('/v1/users', { displayName: `Person ${number}` });
        await make(`${this.path}/members`, { userId: id, role: 'member' });
        const { secret } = await make(`/v1/users/${id}/tokens`, { name: 'theirs' });
        return { id, token: secret };
      }),
    );
    this.workspaces = await Promise.all(
      numbers(workspaces).map(async (number) => {
        return (await make(`${this.path}/workspaces`, { name: `Workspace ${number}`, parentId })).id;
      }),
    );
  }

  /** Every person asks for a role on every workspace, and gets it; so many at a time. */
  async makeAll(atOnce: number): Promise<void> {
    const left = this.people.flatMap((person) => this.workspaces.map((workspace) => ({ person, workspace })));
    const work = async (): Promise<void> => {
      for (let next = left.pop(); next; next = left.pop()) await this.request(next.person, next.workspace);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }

  private async request({ token }: Person, workspace: string): Promise<void> {
    const body = { kind: 'role', role: 'editor', target: { type: 'workspace', id: workspace } };
    const submitted = await this.insist(token, (api, headers) => api.post(`${this.path}/requests`, body, headers));
    const { id } = submitted.body;
    this.requests.push(id);
    await this.insist(ADMIN_TOKEN, (api, headers) =>
      api.post(`${this.path}/requests/${id}/decision`, { decision: 'approved' }, headers),
    );
  }

  private async insist(token: string, ask: Ask): Promise<ApiAnswer<AnswerBody>> {
    const headers = { 'idempotency-key': `outages-${this.key++}`, prefer: 'wait=0' };
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline;) {
      const url = this.urls[this.turn++ % this.urls.length]!;
      const answer = await ask(apiClient(url, token), headers).catch(() => undefined);
      if (answer && answer.status < 300) {
        this.counts.answered++;
        return answer;
      }
      if (answer && answer.status !== 503) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
      this.counts.failed++;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('a call was not answered');
  }
}
