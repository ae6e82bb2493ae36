import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { v1 } from '@authzed/authzed-node';
import { loadConfig, systemClock } from '../../libs/platform/index.js';
import { RUNNING_FILE, type Running } from './running-file.js';

/** The demo can't go on; says what to do. */
class DemoFailed extends Error {
  override readonly name = 'DemoFailed';
}

interface Settings {
  url: string;
  adminToken: string;
  spicedb: { endpoint: string; presharedKey: string; tls: boolean };
}
interface Person {
  id: string;
  name: string;
  token: string;
}
/** Members of the answers the demo looks at. */
interface Answer {
  id: string;
  token: string;
  secret: string;
  status: string;
  code: string;
  rootWorkspaceId: string;
  effective: boolean;
  zedToken: string;
  items: AuditEntry[];
}
interface AuditEntry {
  at: string;
  action: string;
  actor: { type: string; id: string; onBehalfOf?: { type: string; id: string } };
  resource: { type: string; id: string };
}

const WAIT_MS = 15_000;
const coloured = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint =
  (code: number) =>
  (text: string): string =>
    coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
const [bold, dim, red, green, cyan] = [1, 2, 31, 32, 36].map(paint) as [Paint, Paint, Paint, Paint, Paint];
type Paint = (text: string) => string;

const print = (text = ''): void => void process.stdout.write(`${text}\n`);
const said = (who: string, what: string): void => print(`  ${cyan(who.padEnd(7))} ${what}`);

async function settingsOf(env: NodeJS.ProcessEnv): Promise<Settings> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const dataDir = resolve(loadConfig(given, { mode: 'standalone' }).dataDir);
  const [secrets, running] = await Promise.all([
    readJson<Record<string, string>>(join(dataDir, 'secrets.json')),
    readJson<Running>(join(dataDir, RUNNING_FILE)),
  ]);
  const config = loadConfig({ ...secrets, ...given }, { mode: 'standalone' });
  if (!config.adminToken) {
    throw new DemoFailed(
      `No server has run on ${dataDir}. Start one with: npm start\nOr set COUNTERSIGN_URL and ADMIN_TOKEN to those of another.`,
    );
  }
  const endpoint = config.spicedbEndpoint ?? running?.spicedbEndpoint ?? `127.0.0.1:${config.spicedbPort}`;
  return {
    url: (given['COUNTERSIGN_URL'] ?? `http://localhost:${config.port}`).replace(/\/$/, ''),
    adminToken: config.adminToken,
    spicedb: {
      endpoint,
      presharedKey: config.spicedbPresharedKey ?? '',
      tls: config.spicedbTls && !!config.spicedbEndpoint,
    },
  };
}

async function readJson<T>(file: string): Promise<T | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as T);
}

/** Calls the API as somebody. */
class Api {
  constructor(private readonly url: string) {}

  async post(token: string, path: string, body: object): Promise<Answer> {
    const { status, answer } = await this.call(token, path, { method: 'POST', body: JSON.stringify(body) });
    if (status === 401)
      throw new DemoFailed(`${this.url} does not accept the token. Set ADMIN_TOKEN to that of the server.`);
    if (status >= 400) throw new DemoFailed(`POST ${path} answered ${status}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Expects to be refused. */
  async refused(token: string, path: string, body: object): Promise<string> {
    const { status, answer } = await this.call(token, path, { method: 'POST', body: JSON.stringify(body) });
    if (status < 400) throw new DemoFailed(`POST ${path} was expected to be refused`);
    return `${status} ${answer.code}`;
  }

  async get(token: string, path: string, consistencyToken: string): Promise<Answer> {
    const { status, answer } = await this.call(token, path, { headers: { 'consistency-token': consistencyToken } });
    if (status >= 400) throw new DemoFailed(`GET ${path} answered ${status}: ${JSON.stringify(answer)}`);
    return answer;
  }

  private async call(token: string, path: string, init: RequestInit & { headers?: Record<string, string> }) {
    const headers = {
      ...(init.body !== undefined && { 'content-type': 'application/json' }),
      authorization: `Bearer ${token}`,
      prefer: 'wait=10',
      ...init.headers,
    };
    try {
      const response = await fetch(this.url + path, { ...init, headers, signal: AbortSignal.timeout(WAIT_MS) });
      return { status: response.status, answer: (await response.json()) as Answer };
    } catch (error) {
      const why = ((error as Error).cause as Error | undefined)?.message || (error as Error).message;
      throw new DemoFailed(`Countersign does not answer at ${this.url} (${why}).\nStart it with: npm start`);
    }
  }
}

/** Asks SpiceDB itself, as any service would, with nothing of ours in between. */
class Asking {
  private readonly client: v1.ZedClientInterface;

  constructor(private readonly spicedb: Settings['spicedb']) {
    const { SECURE, INSECURE_PLAINTEXT_CREDENTIALS } = v1.ClientSecurity;
    this.client = v1.NewClient(
      spicedb.presharedKey,
      spicedb.endpoint,
      spicedb.tls ? SECURE : INSECURE_PLAINTEXT_CREDENTIALS,
    );
  }

  async may(person: Person, permission: string, workspaceId: string, zedToken: string): Promise<boolean> {
    const request = v1.CheckPermissionRequest.create({
      resource: { objectType: 'workspace', objectId: workspaceId },
      permission,
      subject: { object: { objectType: 'user', objectId: person.id } },
      consistency: { requirement: { oneofKind: 'atLeastAsFresh', atLeastAsFresh: { token: zedToken } } },
    });
    try {
      const { permissionship } = await this.client.promises.checkPermission(request);
      return permissionship === v1.CheckPermissionResponse_Permissionship.HAS_PERMISSION;
    } catch (error) {
      const { endpoint } = this.spicedb;
      throw new DemoFailed(
        `SpiceDB does not answer at ${endpoint}: ${(error as Error).message}\nSet SPICEDB_ENDPOINT and SPICEDB_PRESHARED_KEY.`,
      );
    }
  }

  close(): void {
    this.client.close();
  }
}

/** @throws DemoFailed unless SpiceDB answers as expected */
async function ask(
  { api, asking, workspaceId }: { api: Api; asking: Asking; workspaceId: string },
  { person, consistencyToken, expected }: { person: Person; consistencyToken: string; expected: boolean },
): Promise<void> {
  const { zedToken } = await api.post(person.token, '/v1/consistency', { token: consistencyToken });
  const answer = await asking.may(person, 'edit', workspaceId, zedToken);
  said(
    'SpiceDB',
    `may ${person.name} edit workspace:${workspaceId}?  ${answer ? green(bold('yes')) : red(bold('no'))}`,
  );
  if (answer !== expected) throw new DemoFailed('SpiceDB should have answered otherwise.');
}

async function register(api: Api, adminToken: string, name: string): Promise<Person> {
  const { id } = await api.post(adminToken, '/v1/users', { displayName: name });
  const { secret } = await api.post(adminToken, `/v1/users/${id}/tokens`, { name: 'demo' });
  return { id, name, token: secret };
}

async function tell({ url, adminToken, spicedb }: Settings): Promise<void> {
  const api = new Api(url);
  const asking = new Asking(spicedb);
  try {
    const [ada, ben] = [await register(api, adminToken, 'Ada'), await register(api, adminToken, 'Ben')];
    print(`\n${bold('One request, from asking to taking back')}  ${dim(url)}\n`);
    said('admin', 'registers Ada and Ben, with a token each');
    const name = `Demo ${systemClock.now().toISOString()}`;
    const { id: tenantId, rootWorkspaceId: parentId } = await api.post(ada.token, '/v1/tenants', { name });
    const tenant = `/v1/tenants/${tenantId}`;
    await api.post(ada.token, `${tenant}/members`, { userId: ben.id, role: 'member' });
    const workspace = await api.post(ada.token, `${tenant}/workspaces`, { name: 'Payments', parentId });
    said('Ada', `creates the tenant “${name}”, lets Ben in, and creates the workspace Payments`);
    const about = { api, asking, workspaceId: workspace.id };
    await ask(about, { person: ben, consistencyToken: workspace.token, expected: false });
    const asked = { kind: 'role', role: 'editor', target: { type: 'workspace', id: workspace.id }, reason: 'on call' };
    const request = await api.post(ben.token, `${tenant}/requests`, asked);
    said('Ben', 'requests to be editor of Payments: “on call”');
    const path = `${tenant}/requests/${request.id}`;
    said(
      'Ben',
      `tries to approve it: ${red(await api.refused(ben.token, `${path}/decision`, { decision: 'approved' }))}`,
    );
    const approved = await api.post(ada.token, `${path}/decision`, { decision: 'approved', note: 'until the release' });
    said('Ada', `approves; effective at once: ${approved.effective}`);
    await ask(about, { person: ben, consistencyToken: approved.token, expected: true });
    const revoked = await api.post(ada.token, `${path}/revocation`, { note: 'released' });
    said('Ada', `takes it back; effective at once: ${revoked.effective}`);
    await ask(about, { person: ben, consistencyToken: revoked.token, expected: false });
    const names = new Map([
      ...[ada, ben].map(({ id, name }) => [id, name] as const),
      ...([
        [tenantId, 'the tenant'],
        [parentId, 'its root workspace'],
        [workspace.id, 'Payments'],
        [request.id, 'the request'],
      ] as const),
    ]);
    const { items } = await api.get(ada.token, `${tenant}/audit-log?order=asc&limit=50`, revoked.token);
    print(`\n${bold('The audit trail of it')}  ${dim(`${url}${tenant}/audit-log`)}\n\n${auditTable(items, names)}\n`);
  } finally {
    asking.close();
  }
}

function auditTable(entries: readonly AuditEntry[], names: ReadonlyMap<string, string>): string {
  const nameOf = ({ type, id }: { type: string; id: string }): string => names.get(id) ?? `${type} ${id}`;
  const actorOf = ({ actor }: AuditEntry): string =>
    actor.onBehalfOf ? `process ${actor.id}, for ${nameOf(actor.onBehalfOf)}` : nameOf(actor);
  const rows = entries.map((entry) => [entry.at.slice(11, 23), actorOf(entry), entry.action, nameOf(entry.resource)]);
  const all = [['time', 'who', 'what', 'of'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  const lines = all.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`);
  return lines.map((line, index) => (index === 0 ? dim(line) : line)).join('\n');
}

try {
  await tell(await settingsOf(process.env));
  process.exit(0);
} catch (error) {
  process.stderr.write(`\n${(error as Error).message}\n`);
  process.exit(1);
}
