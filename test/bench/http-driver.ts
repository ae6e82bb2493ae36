import { fork } from 'node:child_process';
import { once } from 'node:events';
import { projectPath } from '../../libs/embedded/index.js';

export interface HttpCall {
  path: string;
  token: string;
  /** JSON of a POST. */
  body?: string;
}
export interface LoadPlan {
  url: string;
  connections: number;
  seconds: number;
  calls: readonly HttpCall[];
}
export interface HttpLoad {
  perSecond: number;
  /** Status → how many. */
  statuses: Record<string, number>;
  errors: number;
  sent: number;
  p50: number;
  p99: number;
}

/** @throws unless all answers are 2xx, and each call was sent at most once where `once` */
export async function drive(plan: LoadPlan, { eachOnce = false } = {}): Promise<HttpLoad> {
  const child = fork(projectPath('dist/test/bench/http-load.js'));
  child.send(plan);
  const [load] = (await once(child, 'message')) as [HttpLoad];
  await once(child, 'exit');
  const refused = Object.keys(load.statuses).filter((status) => !status.startsWith('2'));
  if (refused.length > 0 || load.errors > 0) throw new Error(`not all went well: ${JSON.stringify(load)}`);
  if (eachOnce && load.sent > plan.calls.length) throw new Error(`${plan.calls.length} calls are too few`);
  return load;
}
