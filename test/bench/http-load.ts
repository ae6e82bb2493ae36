import { createRequire } from 'node:module';
import type { HttpLoad, LoadPlan } from './http-driver.js';

/** Runs as a process of its own, so that those who call take no time of those who answer but the machine's. */
interface Request {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}
interface Result {
  requests: { average: number; total: number };
  latency: { p50: number; p99: number };
  statusCodeStats: Record<string, { count: number }>;
  errors: number;
  duration: number;
}
type Autocannon = (options: object) => Promise<Result>;

const autocannon = createRequire(import.meta.url)('autocannon') as Autocannon;

async function drive({ url, connections, seconds, calls }: LoadPlan): Promise<HttpLoad> {
  let next = 0;
  const setupRequest = (request: Request): Request => {
    const { path, token, body } = calls[next++ % calls.length]!;
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) };
    return { ...request, method: body ? 'POST' : 'GET', path, headers, ...(body && { body }) };
  };
  const result = await autocannon({ url, connections, duration: seconds, requests: [{ setupRequest }] });
  const statuses = Object.fromEntries(
    Object.entries(result.statusCodeStats).map(([status, { count }]) => [status, count]),
  );
  const answered = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  const { p50, p99 } = result.latency;
  return { perSecond: answered / result.duration, statuses, errors: result.errors, sent: next, p50, p99 };
}

process.once('message', (plan: LoadPlan) => {
  void drive(plan).then((load) => process.send!(load, () => process.disconnect()));
});
