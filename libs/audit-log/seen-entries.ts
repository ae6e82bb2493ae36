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
  /** `user:…` */
  subject: string;
  /** Types of resources of which they see all. */
  types: string[];
  workspaces: string[];
  apiKeys: string[];
  /** Workspaces whose requests they decide. */
  decidable: string[];
}

/** @returns undefined for who administrates the tenant, and sees everything */
export async function seenBy(
  caller: Principal,
  tenantId: string,
  { access, spicedb }: { access: Access; spicedb: SpiceDb },
): Promise<Seen | undefined> {
  const [subject, resource] = [subjectOf(caller), `tenant:${tenantId}`];
  if (await access.allows({ subject, resource, permission: 'administrate' })) return undefined;
  const freshness = access.freshAsKnown();
  const checks = TYPES.map((type) => ({ subject, resource, permission: SEEN_WITH[type] }));
  const [held, workspaces, apiKeys, decidable] = await Promise.all([
    spicedb.checkAll(checks, freshness),
    spicedb.lookupResources('workspace', 'view', subject, freshness),
    spicedb.lookupResources('api_key', 'view', subject, freshness),
    spicedb.lookupResources('workspace', 'grant', subject, freshness),
  ]);
  return { subject, types: ['tenant', ...TYPES.filter((_type, at) => held[at])], workspaces, apiKeys, decidable };
}

/** The entries of resources that somebody may see. */
export function isSeen({ subject, types, workspaces, apiKeys, decidable }: Seen): Expression<SqlBool> {
  return sql<SqlBool>`(resource_type = any(${types})
    or (resource_type = 'workspace' and resource_id = any(${workspaces}))
    or (resource_type = 'api_key' and resource_id = any(${apiKeys}))
    or resource_type || ':' || resource_id = ${subject}
    or (resource_type = 'request' and exists (
      select from request r where r.id = resource_id
        and (r.requester_type || ':' || r.requester_id = ${subject} or r.target_id = any(${decidable})))))`;
}
