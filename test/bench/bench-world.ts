import { type ApiAnswer, type AnswerBody, apiClient, type ApiClient } from '../../libs/testing/api-client.js';
import { BENCH_ADMIN_TOKEN, type BenchApi } from './bench-product.js';

const AT_ONCE = 32;

export interface BenchUser {
  id: string;
  token: string;
}
export interface BenchTenant {
  id: string;
  path: string;
  rootId: string;
  workspaces: string[];
  members: BenchUser[];
}

export function adminOf({ url }: BenchApi): ApiClient {
  return apiClient(url, BENCH_ADMIN_TOKEN);
}

/** A tenant of the administrator, whose every role is requestable. */
export async function aTenant(api: BenchApi, size: { workspaces: number; members: number }): Promise<BenchTenant> {
  const admin = adminOf(api);
  const name = `bench ${api.runtime.ids.uuid()}`;
  const { id, rootWorkspaceId: rootId } = await body(admin.post('/v1/tenants', { name }));
  const path = `/v1/tenants/${id}`;
  const items = ['workspace:admin', 'workspace:editor', 'workspace:member'];
  await body(admin.put(`${path}/requestable-roles`, { items }));
  const workspaces = await many(size.workspaces, async (index) => {
    const created = await body(admin.post(`${path}/workspaces`, { name: `W ${index}`, parentId: rootId }, SOON));
    return created.id as string;
  });
  const members = await many(size.members, async (index) => {
    const { id: userId } = await body(admin.post('/v1/users', { displayName: `U ${index}` }, SOON));
    const { secret } = await body(admin.post(`/v1/users/${userId}/tokens`, { name: 'bench' }, SOON));
    await body(admin.post(`${path}/members`, { userId, role: 'member' }, SOON));
    return { id: userId as string, token: secret as string };
  });
  return { id, path, rootId, workspaces, members };
}

/** The answer need not wait for its effect. */
const SOON = { prefer: 'wait=0' };

export async function many<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) made[index] = await make(index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return made;
}

/** @throws unless the call went well */
export async function body(call: Promise<ApiAnswer<AnswerBody>>): Promise<AnswerBody> {
  const { status, body: answer } = await call;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(answer)}`);
  return answer;
}
