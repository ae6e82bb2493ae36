import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type Freshness, SpiceDb } from '../authorization/index.js';
import type { EventLog } from '../event-store/index.js';
import { normaliseUlid, Refused } from '../platform/index.js';
import { Progress } from '../projections/index.js';
import { header } from './call.js';
import { CommandEdge } from './command-edge.js';
import { ConsistencyTokens } from './consistency-token.js';
import { principalOf, subjectOf } from './principal.js';
import { EVENT_LOG, SPICEDB } from './injection-tokens.js';

export interface Requirement {
  permission: string;
  /** Type of the resource, and the path parameter with its id; the installation has none. */
  on: 'system' | { type: 'tenant' | 'workspace' | 'api_key'; param: string };
  /** Who holds this may know that the resource exists, and is answered 403 instead of 404. */
  seenWith?: string;
  /** Asked for in the same call, and told to the route by `HoldsToo`. */
  too?: string;
  /** Asked as of the head of the log: for what decides, grants, revokes or deletes. */
  fresh?: boolean;
}

/** Of routes below `/v1/tenants/:tenantId`. */
export const TENANT = { type: 'tenant', param: 'tenantId' } as const;
export const WORKSPACE = { type: 'workspace', param: 'workspaceId' } as const;

declare module 'fastify' {
  interface FastifyRequest {
    holdsToo?: boolean;
  }
}

const REQUIREMENT = 'access-requirement';
export const INSTALLATION = 'system:installation';
const FRESH_WAIT_MS = 5_000;

/** Declares what SpiceDB must say before a route runs. */
export const Requires = (requirement: Requirement) => SetMetadata(REQUIREMENT, requirement);

export function requirementOf(...places: object[]): Requirement | undefined {
  const [declared] = places.flatMap(
    (place) => (Reflect.getMetadata(REQUIREMENT, place) as Requirement | undefined) ?? [],
  );
  return declared;
}

/** Whether the caller has the permission that a route asks for `too`. */
export const HoldsToo = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().holdsToo === true,
);

export interface AccessQuestion {
  /** `user:…` */
  subject: string;
  /** `workspace:…` */
  resource: string;
  permission: string;
  seenWith?: string;
  too?: string;
  fresh?: boolean;
  /** `tenant:…` that it is asked for in: in another it isn't there, even for who may see it where it is. */
  within?: string;
}

/** Asks SpiceDB on behalf of routes. */
@Injectable()
export class Access {
  constructor(
    @Inject(SPICEDB) private readonly spicedb: SpiceDb,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    private readonly progress: Progress,
  ) {}

  /**
   * @returns whether what is asked for too is held
   * @throws Refused `forbidden` to who may see the resource, else `not-found`; `not-yet` when it can't be asked freshly
   */
  async require({ fresh = false, within, ...question }: AccessQuestion): Promise<boolean> {
    const { subject, resource, permission, seenWith, too } = question;
    const asked = [...new Set([permission, seenWith, too])].filter((one) => one !== undefined);
    const answers = await this.spicedb.checkAll(
      asked.map((one) => ({ resource, permission: one, subject })),
      fresh ? await this.freshAtHead() : this.freshAsKnown(),
    );
    const isHeld = (one: string | undefined): boolean => one !== undefined && answers[asked.indexOf(one)] === true;
    if (isHeld(permission)) return isHeld(too);
    const mayKnow = resource === INSTALLATION || (isHeld(seenWith) && (await this.isWithin(resource, within)));
    throw new Refused(mayKnow ? 'forbidden' : 'not-found');
  }

  private async isWithin(resource: string, tenant: string | undefined): Promise<boolean> {
    if (tenant === undefined || tenant === resource) return true;
    return this.spicedb.check({ resource, permission: 'tenant', subject: tenant }, this.freshAsKnown());
  }

  async allows({ subject, resource, permission }: AccessQuestion): Promise<boolean> {
    return this.spicedb.check({ resource, permission, subject }, this.freshAsKnown());
  }

  /** One answer per permission, as of the head of the log. */
  async allowsEach(asked: { subject: string; resource: string; permissions: readonly string[] }): Promise<boolean[]> {
    const { subject, resource, permissions } = asked;
    const checks = permissions.map((permission) => ({ resource, permission, subject }));
    return this.spicedb.checkAll(checks, await this.freshAtHead());
  }

  /**
   * At least all that this process knows to be delivered.
   * @throws Refused `dependency-unavailable` while SpiceDB can't be trusted
   */
  freshAsKnown(): Freshness {
    this.progress.requireSound();
    const { zedToken } = this.progress;
    return zedToken ? { atLeast: zedToken } : { full: true };
  }

  private async freshAtHead(): Promise<Freshness> {
    const head = await this.log.head();
    if (!(await this.progress.waitFor('delivered', head, FRESH_WAIT_MS))) throw new Refused('not-yet');
    return this.freshAsKnown();
  }
}

/** Waits for what the caller has already seen, then asks SpiceDB what the route requires. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly access: Access,
    private readonly tokens: ConsistencyTokens,
    private readonly edge: CommandEdge,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const token = header(request, 'consistency-token');
    if (token !== undefined) await this.tokens.await(token, 'delivered');
    const requirement = requirementOf(context.getHandler(), context.getClass());
    if (!requirement) return true;
    const { permission, seenWith, too, fresh } = requirement;
    const subject = subjectOf(principalOf(request));
    const tenantId = normaliseUlid((request.params as Record<string, string>)['tenantId']);
    const within = tenantId === undefined ? undefined : `tenant:${tenantId}`;
    const question = { subject, resource: resourceOf(request, requirement), permission, seenWith, too, fresh, within };
    await this.edge.permit(request, async () => {
      request.holdsToo = await this.access.require(question);
    });
    return true;
  }
}

function resourceOf(request: FastifyRequest, { on }: Requirement): string {
  if (on === 'system') return INSTALLATION;
  const id = normaliseUlid((request.params as Record<string, string>)[on.param]);
  if (id === undefined) throw new Refused('malformed-id', `${on.param} is no id`, { field: on.param });
  return `${on.type}:${id}`;
}
