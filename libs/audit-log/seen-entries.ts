import { type Expression, type SqlBool, sql } from 'kysely';
import type { SpiceDb } from '../authorization/index.js';
import { type Access, type Principal, subjectOf } from '../edge/index.js';

/** By type of resource: the permission on the tenant with which somebody sees all of that type. */
const SEEN_WITH = {
  workspace: 'workspaces_read',
  request: 'requests_read',
  role: 'roles_read',
  service_account: 'service_accounts_read',
  service_account_token: 'service_account_tokens_read',
  user: 'members_read',
} as const;
const TYPES = Object.keys(SEEN_WITH) as (keyof typeof SEEN_WITH)[];

/** What a reader of a tenant's log who does not administrate the tenant may see of it. */
export interface Seen {
  reader: Pick<Principal, 'type' | 'id'>;
  /** Types of resources of which they see all. */
  types: string[];
  workspaces: string[];
  apiKeys: string[];
  /** Workspaces whose requests they decide. */
  decidable: string[];
}

/** Of somebody who does not administrate the tenant. */
export async function seenBy(
  caller: Principal,
  tenantId: string,
  { access, spicedb }: { access: Access; spicedb: SpiceDb },
): Promise<Seen> {
  const [subject, resource] = [subjectOf(caller), `tenant:${tenantId}`];
  const freshness = access.freshAsKnown();
  const checks = TYPES.map((type) => ({ subject, resource, permission: SEEN_WITH[type] }));
  const [held, workspaces, apiKeys, decidable] = await Promise.all([
    spicedb.checkAll(checks, freshness),
    spicedb.lookupResources('workspace', 'view', subject, freshness),
    spicedb.lookupResources('api_key', 'view', subject, freshness),
    spicedb.lookupResources('workspace', 'grant', subject, freshness),
  ]);
  return {
    reader: caller,
    types: ['tenant', ...TYPES.filter((_type, at) => held[at])],
    workspaces,
    apiKeys,
    decidable,
  };
}

/**
 * The entries of resources that somebody may see, of each kind by itself: for each PostgreSQL knows whether it is found
 * sooner in the index of resources or among the newest, where one condition for all had it read a whole chain.
 */
export function seenEntries(
  tenantId: string,
  { reader, types, workspaces, apiKeys, decidable }: Seen,
): Expression<SqlBool>[] {
  const those = (type: string, ids: Expression<unknown>): Expression<SqlBool> =>
    sql<SqlBool>`resource_type = ${type} and resource_id = any(${ids})`;
  const requests = sql`array(select id from request where tenant_id = ${tenantId}
    and (requester_id = ${reader.id} and requester_type = ${reader.type} or target_id = any(${decidable})))`;
  return [
    ...types.map((type) => sql<SqlBool>`resource_type = ${type}`),
    those(reader.type, sql`${[reader.id]}`),
    those('workspace', sql`${workspaces}`),
    those('api_key', sql`${apiKeys}`),
    those('request', requests),
  ];
}
