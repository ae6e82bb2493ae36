import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import type { Check, SpiceDb } from '../authorization/index.js';
import { Access, INSTALLATION, KYSELY, SPICEDB } from '../edge/index.js';
import { normaliseUlid, Refused } from '../platform/index.js';
import { relationOf } from '../roles/index.js';
import { ResourceTypes } from './resource-types.js';

/** May the subject do this with the resource? */
export interface PermissionQuestion {
  resource: { type: string; id: string };
  /** As SpiceDB calls it, or one of the catalogue as roles have it: `apps:read`. */
  permission: string;
  /** `user:…`, `service_account:…` */
  subject: string;
  /** What its fields begin with in the call, to name one that is refused: `checks.0.`. */
  path: string;
}

/**
 * One answer per question.
 * @throws Refused `invalid` for a malformed id, `forbidden` to who may not ask about others
 */
export class CheckPermissions extends Query<boolean[]> {
  constructor(
    /** Who asks. */
    readonly asker: string,
    readonly questions: readonly PermissionQuestion[],
  ) {
    super();
  }
}

interface WorkspaceTables {
  workspace: { id: string; tenant_id: string };
}

/** What SpiceDB takes as the name of a permission. */
const NAME = /^[a-z][a-z0-9_]{1,62}[a-z0-9]$/;

@QueryHandler(CheckPermissions)
export class CheckPermissionsHandler implements IQueryHandler<CheckPermissions> {
  constructor(
    @Inject(SPICEDB) private readonly spicedb: SpiceDb,
    @Inject(KYSELY) private readonly db: Kysely<WorkspaceTables>,
    private readonly access: Access,
    private readonly types: ResourceTypes,
  ) {}

  async execute({ asker, questions: given }: CheckPermissions): Promise<boolean[]> {
    const questions = given.map((question) => this.normalised(question));
    const mayAsk = await this.mayAsk(asker, questions);
    const asked = questions.map((question, index) => mayAsk[index] === true && this.isKnown(question));
    const answers = (await this.ask(questions.filter((_, index) => asked[index]).map(toCheck))).values();
    return asked.map((known) => known && answers.next().value === true);
  }

  /**
   * Of oneself anybody may ask; of others who administrates the resource's tenant, or may check everything.
   * Who may not, and can't see the resource, is told no more than that the answer is no.
   */
  private async mayAsk(asker: string, questions: readonly PermissionQuestion[]): Promise<boolean[]> {
    const ofOthers = questions.filter(({ subject }) => subject !== asker);
    if (ofOthers.length === 0) return questions.map(() => true);
    const tenants = await this.tenantsOf(ofOthers);
    const checker = { resource: INSTALLATION, permission: 'check', subject: asker };
    const [everything, ...answers] = await this.ask([
      checker,
      ...ofOthers.flatMap((question) => this.rightsToAsk(asker, question, tenants)),
    ]);
    const rights = answers.values();
    return questions.map((question) => {
      if (question.subject === asker) return true;
      const [administrates, sees] = this.rightsToAsk(asker, question, tenants).map(() => rights.next().value);
      if (everything || administrates) return true;
      if (sees || nameOf(question) === INSTALLATION) {
        throw new Refused('forbidden', 'you may check only your own permissions here', {
          field: `${question.path}subject`,
        });
      }
      return false;
    });
  }

  /** Whether the asker administrates the resource's tenant, and whether they can see the resource. */
  private rightsToAsk(asker: string, question: PermissionQuestion, tenants: ReadonlyMap<string, string>): Check[] {
    const tenant = tenants.get(nameOf(question));
    if (!tenant) return [];
    return [
      { resource: `tenant:${tenant}`, permission: 'administrate', subject: asker },
      { resource: nameOf(question), permission: 'view', subject: asker },
    ];
  }

  /** Resource → id of its tenant, for tenants and workspaces that there are. */
  private async tenantsOf(questions: readonly PermissionQuestion[]): Promise<Map<string, string>> {
    const idsOf = (type: string) => questions.flatMap(({ resource }) => (resource.type === type ? [resource.id] : []));
    const tenants = new Map(idsOf('tenant').map((id) => [`tenant:${id}`, id]));
    const workspaces = idsOf('workspace');
    if (workspaces.length === 0) return tenants;
    const rows = await this.db
      .selectFrom('workspace')
      .select(['id', 'tenant_id'])
      .where('id', 'in', workspaces)
      .execute();
    for (const { id, tenant_id } of rows) tenants.set(`workspace:${id}`, tenant_id);
    return tenants;
  }

  private normalised(given: PermissionQuestion): PermissionQuestion {
    const question = { ...given, permission: relationOf(given.permission) ?? given.permission };
    const { type, id } = question.resource;
    if (!this.types.hasUlids(type)) return question;
    const ulid = normaliseUlid(id);
    if (ulid !== undefined) return { ...question, resource: { type, id: ulid } };
    const field = `${question.path}resource.id`;
    throw new Refused('invalid', `${field} must be an id of 26 characters`, { field });
  }

  private isKnown({ resource, permission }: PermissionQuestion): boolean {
    if (!this.types.has(resource.type) || !NAME.test(permission)) return false;
    return resource.type !== 'system' || nameOf({ resource }) === INSTALLATION;
  }

  private ask(checks: readonly Check[]): Promise<boolean[]> {
    return this.spicedb.checkAll(checks, this.access.freshAsKnown());
  }
}

function nameOf({ resource: { type, id } }: Pick<PermissionQuestion, 'resource'>): string {
  return `${type}:${id}`;
}

function toCheck(question: PermissionQuestion): Check {
  return { resource: nameOf(question), permission: question.permission, subject: question.subject };
}
