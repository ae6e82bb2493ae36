import { apiClient, type ApiClient } from '../../libs/testing/api-client.js';
import { createDatabase, inDatabase } from './bench-databases.js';
import { type BenchApi, openApi, requireDelivered } from './bench-product.js';
import { type BenchRow, median, rounded } from './bench-row.js';
import { adminOf, aTenant, type BenchTenant, body } from './bench-world.js';
import { fillTenant, RARE_ACTION } from './size-world.js';

const LARGE = { requests: 100_000, entries: 1_000_000 };
const SMALL = { requests: 1_000, entries: 1_000 };
const WORLD = { workspaces: 10, members: 10 };
const ROUNDS = 25;
const SOON = { prefer: 'wait=0' };
const HOUR_MS = 3_600_000;

/** One tenant with an administrator, a member who decides about one workspace, and everything a call needs to know. */
interface Place {
  tenant: BenchTenant;
  admin: ApiClient;
  reviewer: ApiClient;
  /** Reads the audit log, and sees of it what is about the tenant alone. */
  auditor: ApiClient;
  requestId: string[];
}
/** Answers how long it took in ms. */
type Timed = (place: Place, round: number) => Promise<number>;

/** Lists, submissions, decisions and audit queries in a large tenant, beside a small one of the same installation. */
export async function benchSize(serverUrl: string): Promise<BenchRow[]> {
  const url = await createDatabase(serverUrl);
  const api = await openApi(url, 'embedded');
  try {
    const [small, large] = [await aPlace(api), await aPlace(api)];
    await requireDelivered(api.runtime);
    await fillTenant(api.runtime.pool, small.tenant, SMALL);
    await fillTenant(api.runtime.pool, large.tenant, LARGE);
    await inDatabase(url, 'vacuum (analyze) request; ').then(() => inDatabase(url, 'vacuum (analyze) audit_entry'));
    const row = (name: string, calls: Record<string, Timed>) => compare(name, calls, { small, large });
    return [
      await row('list requests', { ...listings(), decidable: getAs('reviewer', '/requests?decidable=@me') }),
      await row('query the audit log', audits()),
      await row('submit', { submit }),
      await row('decide', { decide }),
    ];
  } finally {
    await api.close();
  }
}

async function aPlace(api: BenchApi): Promise<Place> {
  const tenant = await aTenant(api, WORLD);
  const [reviewer, auditor] = tenant.members;
  const admin = adminOf(api);
  const { id: role } = await body(admin.post(`${tenant.path}/roles`, { name: 'Auditor', permissions: ['logs:read'] }));
  const given = { subject: { type: 'user', id: auditor!.id }, role, target: { type: 'tenant', id: tenant.id } };
  await body(admin.post(`${tenant.path}/assignments`, given));
  await body(
    admin.post(`${tenant.path}/workspaces/${tenant.workspaces[0]}/members`, { userId: reviewer!.id, role: 'admin' }),
  );
  const [deciding, reading] = [apiClient(api.url, reviewer!.token), apiClient(api.url, auditor!.token)];
  return { tenant, admin, reviewer: deciding, auditor: reading, requestId: [] };
}

/** The query that grows most counts. */
async function compare(
  name: string,
  calls: Record<string, Timed>,
  { small, large }: { small: Place; large: Place },
): Promise<BenchRow> {
  const found: { call: string; small: number; large: number }[] = [];
  for (const [call, timed] of Object.entries(calls)) {
    const times = { small: [] as number[], large: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      times.small.push(await timed(small, round));
      times.large.push(await timed(large, round));
    }
    found.push({ call, small: median(times.small), large: median(times.large) });
  }
  found.sort((a, b) => b.large / b.small - a.large / a.small);
  const [worst] = found;
  const note = found.map((each) => `${each.call} ${rounded(each.large)}/${rounded(each.small)} ms`).join(', ');
  const row = { ours: rounded(worst!.large), peer: rounded(worst!.small), unit: 'ms', target: 0.5, note };
  return { name: `large tenant: ${name}, small tenant`, ...row, ratio: rounded(worst!.small / worst!.large) };
}

function listings(): Record<string, Timed> {
  const of = (query: (place: Place) => string): Timed => getAs('admin', (place) => `/requests?${query(place)}`);
  return {
    all: of(() => ''),
    pending: of(() => 'status=pending'),
    'of a requester': of(({ tenant }) => `requester=${tenant.members[3]!.id}`),
    'for a target': of(({ tenant }) => `targetType=workspace&targetId=${tenant.workspaces[3]}`),
    'for the tenant': of(() => 'targetType=tenant'),
    'for a rare role': of(() => 'role=admin'),
  };
}

function audits(): Record<string, Timed> {
  const of = (query: (place: Place) => string): Timed => getAs('admin', (place) => `/audit-log?${query(place)}`);
  const ago = (hours: number): string => new Date(Date.now() - hours * HOUR_MS).toISOString();
  return {
    newest: of(() => ''),
    oldest: of(() => 'order=asc'),
    'of a resource': of(() => 'resourceType=request&resourceId=R50'),
    'with consequences': of(() => 'resourceType=request&resourceId=R50&consequences=true'),
    'of an actor': of(({ tenant }) => `actorId=${tenant.members[3]!.id}`),
    'of a rare action': of(() => `action=${RARE_ACTION}`),
    'of a call': of(() => 'correlationId=C50'),
    'from and to': of(() => `from=${ago(3)}&to=${ago(2)}`),
    'long ago': of(() => `to=${ago(2)}`),
    since: of(() => `from=${ago(3)}&order=asc`),
    'by an auditor': getAs('auditor', '/audit-log'),
    'by an auditor, oldest': getAs('auditor', '/audit-log?order=asc'),
  };
}

function getAs(who: 'admin' | 'reviewer' | 'auditor', query: string | ((place: Place) => string)): Timed {
  return async (place) => {
    const path = `${place.tenant.path}${typeof query === 'string' ? query : query(place)}`;
    const startedAt = performance.now();
    await body(place[who].get(path));
    return performance.now() - startedAt;
  };
}

const submit: Timed = async ({ tenant, requestId, ...place }, round) => {
  const target = { type: 'workspace', id: tenant.workspaces[1 + (round % 9)]! };
  const role = ['admin', 'editor', 'member'][Math.floor(round / 9) % 3];
  const startedAt = performance.now();
  const { id } = await body(place.reviewer.post(`${tenant.path}/requests`, { kind: 'role', role, target }, SOON));
  requestId.push(id as string);
  return performance.now() - startedAt;
};

const decide: Timed = async ({ tenant, requestId, admin }, round) => {
  const startedAt = performance.now();
  await body(admin.post(`${tenant.path}/requests/${requestId[round]}/decision`, { decision: 'approved' }, SOON));
  return performance.now() - startedAt;
};
