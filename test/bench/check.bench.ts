import { Agent, request } from 'node:http';
import { createDatabase } from './bench-databases.js';
import { type BenchApi, openApi, requireDelivered } from './bench-product.js';
import { type BenchRow, median, percentile, rounded } from './bench-row.js';
import { aTenant, type BenchTenant } from './bench-world.js';

const ROUNDS = 5;
const CHECKS = 400;
const WORLD = { workspaces: 20, members: 20 };
/** How much later than the raw client's the answer may come. */
const ALLOWED_MS = 1;

/** One check at a time through `POST /v1/permissions/check`, beside the raw client on the same SpiceDB. */
export async function benchCheck(serverUrl: string): Promise<BenchRow[]> {
  const api = await openApi(await createDatabase(serverUrl), 'embedded');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const tenant = await aTenant(api, WORLD);
    await requireDelivered(api.runtime);
    const ours: number[] = [];
    const raw: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const [route, client] = [
        await timed((n) => checkByRoute(api, tenant, agent, n)),
        await timed((n) => checkRaw(api, tenant, n)),
      ];
      // The first warms up.
      if (round > 0) [ours, raw].forEach((all, side) => all.push(percentile(side === 0 ? route : client, 0.95)));
    }
    const [p95, limit] = [median(ours), median(raw) + ALLOWED_MS];
    const note = `raw p95 ${rounded(median(raw))} ms: ours comes ${rounded(p95 - median(raw))} ms later`;
    const row = { ours: rounded(p95), peer: rounded(limit), ratio: rounded(limit / p95), unit: 'ms', target: 1, note };
    return [{ name: 'check: p95 through our route, raw client + 1 ms', ...row }];
  } finally {
    agent.destroy();
    await api.close();
  }
}

async function timed(check: (number: number) => Promise<boolean>): Promise<number[]> {
  const times: number[] = [];
  for (let number = 0; number < CHECKS; number++) {
    const startedAt = performance.now();
    if (!(await check(number))) throw new Error('a member may not see their tenant');
    times.push(performance.now() - startedAt);
  }
  return times;
}

function checkRaw({ runtime: { spicedb, progress } }: BenchApi, { id, members }: BenchTenant, number: number) {
  const member = members[number % members.length]!;
  const question = { resource: `tenant:${id}`, permission: 'view', subject: `user:${member.id}` };
  return spicedb.check(question, { atLeast: progress.zedToken! });
}

function checkByRoute({ url }: BenchApi, { id, members }: BenchTenant, agent: Agent, number: number): Promise<boolean> {
  const { token } = members[number % members.length]!;
  const body = JSON.stringify({ resource: { type: 'tenant', id }, permission: 'view' });
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': body.length,
  };
  return new Promise((resolve, reject) => {
    const call = request(`${url}/v1/permissions/check`, { method: 'POST', agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      answer.on('end', () => resolve((JSON.parse(text) as { allowed?: boolean }).allowed === true));
    });
    call.on('error', reject).end(body);
  });
}
