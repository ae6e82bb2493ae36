import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { normaliseUlid, Refused } from '../platform/index.js';
import { Access, INSTALLATION } from './access.js';
import { header } from './call.js';
import { CommandEdge } from './command-edge.js';
import { ConsistencyTokens } from './consistency-token.js';
import { principalOf, subjectOf } from './principal.js';

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

/** What routes below `/v1/tenants/:tenantId` are about. */
export const TENANT = { type: 'tenant', param: 'tenantId' } as const;
/** What routes below `/v1/tenants/:tenantId/workspaces/:workspaceId` are about. */
export const WORKSPACE = { type: 'workspace', param: 'workspaceId' } as const;

declare module 'fastify' {
  interface FastifyRequest {
    holdsToo?: boolean;
  }
}

const REQUIREMENT = 'access-requirement';

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
