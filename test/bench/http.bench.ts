import { Body, Controller, Module, Param, Post } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createHttpApp, createLogger } from '../../libs/platform/index.js';
import { SubmitRequestBody } from '../../libs/requests/request-bodies.js';
import { createDatabase, quietly } from './bench-databases.js';
import { type BenchApi, openApi, requireDelivered } from './bench-product.js';
import { type BenchRow, median, rounded, spread } from './bench-row.js';
import { aTenant } from './bench-world.js';
import { drive, type HttpCall, type HttpLoad } from './http-driver.js';

const ROUNDS = 3;
const SECONDS = 4;
const CONNECTIONS = 48;
const WORLD = { workspaces: 60, members: 100 };
const ROLES = ['member', 'editor', 'admin'];
/** More than one round sends. */
const CALLS_OF_A_ROUND = 4_000;

@Controller('v1/tenants/:tenantId/requests')
class NothingController {
  @Post()
  nothing(@Param('tenantId') tenantId: string, @Body() { role, target }: SubmitRequestBody): object {
    return { tenantId, role, target };
  }
}

@Module({ controllers: [NothingController] })
class NothingModule {}

/** Requests for roles over HTTP, beside the same route with the same body that does nothing. */
export async function benchHttp(serverUrl: string): Promise<BenchRow[]> {
  const nothing = await serveNothing();
  try {
    const constant = await compare(serverUrl, nothing, 'constant');
    const embedded = await compare(serverUrl, nothing, 'embedded');
    return [{ ...constant, target: 0.4 }, embedded];
  } finally {
    await nothing.close();
  }
}

async function serveNothing(): Promise<NestFastifyApplication> {
  const app = await createHttpApp(NothingModule, { logger: createLogger({ level: 'error', name: 'bench' }) });
  await app.listen(0, '127.0.0.1');
  return app;
}

/** Each round is ours, nothing, ours. */
async function compare(
  serverUrl: string,
  nothing: NestFastifyApplication,
  spicedb: 'constant' | 'embedded',
): Promise<BenchRow> {
  const api = await openApi(await createDatabase(serverUrl), spicedb);
  try {
    const [url, calls] = [await nothing.getUrl(), await possibleCalls(api)];
    const take = () => calls.splice(0, CALLS_OF_A_ROUND);
    const ours: HttpLoad[] = [];
    const theirs: HttpLoad[] = [];
    await drive({ url: api.url, connections: CONNECTIONS, seconds: 1, calls: take() });
    for (let round = 0; round < ROUNDS; round++) {
      const plan = { connections: CONNECTIONS, seconds: SECONDS };
      const own = { ...plan, url: api.url, calls: take() };
      ours.push(await quietly(serverUrl, () => drive(own, { eachOnce: true })));
      await requireDelivered(api.runtime);
      theirs.push(await drive({ ...plan, url, calls: own.calls }));
    }
    return rowOf(spicedb, ours, theirs);
  } finally {
    await api.close();
  }
}

function rowOf(spicedb: string, ours: readonly HttpLoad[], theirs: readonly HttpLoad[]): BenchRow {
  const rates = ours.map(({ perSecond }) => perSecond);
  const limit = theirs.map(({ perSecond }) => perSecond);
  const slowest = Math.max(...ours.map(({ p99 }) => p99));
  const row = { ours: rounded(median(rates)), peer: rounded(median(limit)), unit: 'calls/s', limit };
  const note = `p50 ${median(ours.map(({ p50 }) => p50))} ms, p99 ${slowest} ms; ours ${spread(rates)}, limit ${spread(limit)}`;
  const name = `http: role request, ${spicedb} SpiceDB, same route doing nothing`;
  return { name, ...row, ratio: rounded(median(rates) / median(limit)), note };
}

/** Every call is another request: another user, role or workspace. */
async function possibleCalls(api: BenchApi): Promise<HttpCall[]> {
  const { path, workspaces, members } = await aTenant(api, WORLD);
  await requireDelivered(api.runtime);
  return ROLES.flatMap((role) =>
    workspaces.flatMap((id) =>
      members.map(({ token }) => {
        const asked = { kind: 'role', role, target: { type: 'workspace', id }, reason: 'on call' };
        return { path: `${path}/requests`, token, body: JSON.stringify(asked) };
      }),
    ),
  );
}
