import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { Access, INSTALLATION, POOL, type Principal, subjectOf } from '../edge/index.js';
import { CLOCK, type Clock, Refused } from '../platform/index.js';
import { BUILT_IN_NAMES, relationOf } from '../roles/index.js';
import type { ServiceAccountKey } from './service-account-stream.js';

export type AccountPermission =
  `service_accounts_${'read' | 'update' | 'delete'}` | `service_account_tokens_${'read' | 'create' | 'delete'}`;

interface HeldRole {
  target: string;
  role: string;
  /** Of a role of the tenant. */
  permissions: string[] | null;
}

const CHECK = 'check';
/** What who holds a built-in role can do with the target. */
const ALLOWED: Readonly<Record<string, string>> = {
  'tenant:member': 'create_api_key',
  'workspace:member': 'view',
  'workspace:editor': 'edit',
  'workspace:admin': 'manage',
};

/** Who may do what with the service accounts of a tenant. */
@Injectable()
export class AccountRights {
  constructor(
    private readonly access: Access,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Members may know that there are service accounts; a service account knows of no other.
   * @throws Refused `forbidden`, `not-found`
   */
  async require(
    caller: Principal,
    key: ServiceAccountKey,
    permission: AccountPermission,
    { fresh = false }: { fresh?: boolean } = {},
  ): Promise<void> {
    const seenWith = caller.type === 'user' || isSelf(caller, key) ? 'view' : undefined;
    await this.access.require({ ...questionOf(caller, key), permission, seenWith, fresh });
  }

  async mayReadTokens(caller: Principal, key: ServiceAccountKey): Promise<boolean> {
    return this.access.allows({ ...questionOf(caller, key), permission: 'service_account_tokens_read' });
  }

  /**
   * A token lets its bearer do all that the service account can: nobody issues one that can do more than they do.
   * @throws Refused `forbidden`, `not-found`, `permissions-missing`
   */
  async requireIssuing(caller: Principal, key: ServiceAccountKey): Promise<void> {
    await this.require(caller, key, 'service_account_tokens_create', { fresh: true });
    const question = questionOf(caller, key);
    if (await this.access.allows({ ...question, permission: 'administrate' })) return;
    const missing = await Promise.all([
      ...(await this.heldBy(key)).map((held) => this.missing(question.subject, held)),
      this.missingOfChecker(question.subject, key),
    ]);
    const named = [...new Set(missing.flat())].sort();
    if (named.length === 0) return;
    throw new Refused('permissions-missing', 'the service account holds what you do not', { missing: named });
  }

  /** What of a role a subject does not hold itself. */
  private async missing(subject: string, { target, role, permissions }: HeldRole): Promise<string[]> {
    const names = permissions ?? [ALLOWED[`${target.split(':')[0]!}:${role}`]!];
    const asked = permissions ? names.map((name) => relationOf(name)!) : names;
    const held = await this.access.allowsEach({ subject, resource: target, permissions: asked });
    return names.filter((_, index) => !held[index]);
  }

  /** A checker of the installation asks about everybody, in every tenant. */
  private async missingOfChecker(subject: string, { serviceAccountId }: ServiceAccountKey): Promise<string[]> {
    const ask = { resource: INSTALLATION, permission: CHECK };
    if (!(await this.access.allows({ ...ask, subject: `service_account:${serviceAccountId}` }))) return [];
    return (await this.access.allows({ ...ask, subject })) ? [] : [CHECK];
  }

  /** By rows that are as new as the check before. */
  private async heldBy({ tenantId, serviceAccountId }: ServiceAccountKey): Promise<HeldRole[]> {
    const { rows } = await this.pool.query<HeldRole>(
      `select distinct a.target_type || ':' || a.target_id as target, a.role, r.permissions
       from assignment a left join role r on r.id = a.role and r.tenant_id = a.tenant_id
       where a.tenant_id = $1 and a.subject_type = 'service_account' and a.subject_id = $2
         and (a.until is null or a.until > $3::timestamptz)`,
      [tenantId, serviceAccountId, this.clock.now().toISOString()],
    );
    // A role that is gone already allows nothing.
    return rows.filter(({ role, permissions }) => permissions !== null || BUILT_IN_NAMES.includes(role));
  }
}

export function isSelf({ type, id }: Principal, { serviceAccountId }: ServiceAccountKey): boolean {
  return type === 'service_account' && id === serviceAccountId;
}

function questionOf(caller: Principal, { tenantId }: ServiceAccountKey) {
  return { subject: subjectOf(caller), resource: `tenant:${tenantId}` };
}
