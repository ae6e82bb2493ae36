import { Injectable } from '@nestjs/common';
import { Access, CommandEdge, type Principal, subjectOf } from '../edge/index.js';
import { DeciderRuntime } from '../event-store/index.js';
import { normaliseUlid, Refused } from '../platform/index.js';
import { type ExistingRole, requireRole, roleNamed, RoleRights } from '../roles/index.js';
import { isBuiltIn, type RoleName, rolesOf, type Target } from './assignment.decider.js';
import type { FastifyRequest } from 'fastify';

/** What may be in the way of giving a role of the tenant. */
export const OF_OWN_ROLES = ['permissions-missing', 'role-changed-meanwhile', 'conflict'];

interface Asked {
  tenantId: string;
  /** A built-in role, or the id or name of one of the tenant. */
  role: string;
  target: Target;
}
export interface GivenRole {
  role: RoleName;
  /** Of a role of the tenant: as it was when it was found that the caller holds all that it allows. */
  roleRevision?: number;
}

/** The role that a call names. */
export interface NamedRole {
  role: RoleName;
  /** Where it is one of the tenant. */
  own?: ExistingRole;
}

/** @throws Refused `invalid` for a word that names no role, `not-found` for an id that does not */
export async function namedRole(
  runtime: DeciderRuntime,
  { tenantId, role: text, targetType }: { tenantId: string; role: string; targetType: Target['type'] },
): Promise<NamedRole> {
  if (isBuiltIn(text)) {
    requireOf(targetType, text);
    return { role: text };
  }
  const roleId = normaliseUlid(text) ?? (await roleNamed(runtime, tenantId, text));
  if (roleId === undefined) throw new Refused('invalid', 'the tenant has no such role', { field: 'role' });
  return { role: roleId, own: await requireRole(runtime, { tenantId, roleId }) };
}

/** @throws Refused `invalid` for a built-in role that the type of target does not have */
export function requireOf(targetType: Target['type'], role: string): void {
  if (!isBuiltIn(role) || rolesOf(targetType).includes(role)) return;
  throw new Refused('invalid', `a ${targetType} has no role ${role}`, { field: 'role' });
}

/** What a filter names; a word that is no role of the tenant is refused. */
export async function roleInFilter(
  runtime: DeciderRuntime,
  tenantId: string,
  text: string | undefined,
): Promise<RoleName | undefined> {
  if (text === undefined || isBuiltIn(text)) return text;
  const roleId = normaliseUlid(text) ?? (await roleNamed(runtime, tenantId, text));
  if (roleId !== undefined) return roleId;
  throw new Refused('malformed-query', 'the tenant has no such role', { field: 'role' });
}

/** Who may give and take which role. */
@Injectable()
export class RoleGiving {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly access: Access,
    private readonly edge: CommandEdge,
    private readonly rights: RoleRights,
  ) {}

  /**
   * The role to give, once the caller may give it: nobody gives what they don't hold.
   * @param guarded whether the route was refused already to who may not change members of the target
   * @throws Refused `forbidden`, `not-found`, `permissions-missing`, `invalid`
   */
  async toGive(
    request: FastifyRequest,
    caller: Principal,
    asked: Asked,
    { guarded = false }: { guarded?: boolean } = {},
  ): Promise<GivenRole> {
    const { tenantId, target } = asked;
    let given: GivenRole = { role: normaliseUlid(asked.role) ?? asked.role };
    requireOf(target.type, asked.role);
    await this.edge.permit(request, async () => {
      if (!guarded) await this.requireChanging(caller, asked.role, target);
      const { role, own } = await namedRole(this.runtime, { tenantId, role: asked.role, targetType: target.type });
      if (own) await this.rights.requireHeld(subjectOf(caller), `${target.type}:${target.id}`, own.permissions);
      given = { role, ...(own && { roleRevision: own.revision }) };
    });
    return given;
  }

  /** @throws Refused `forbidden`, `not-found` */
  toTake(request: FastifyRequest, caller: Principal, { role, target }: Omit<Asked, 'tenantId'>): Promise<void> {
    return this.edge.permit(request, () => this.requireChanging(caller, role, target));
  }

  private requireChanging(caller: Principal, role: string, { type, id }: Target): Promise<void> {
    const permission = rightToChange(role, type);
    const resource = `${type}:${id}`;
    return this.access.require({ subject: subjectOf(caller), resource, permission, seenWith: 'view', fresh: true });
  }
}

/** The permission that gives and takes a role, and decides requests for it. */
export function rightToChange(role: string, targetType: Target['type']): string {
  if (!isBuiltIn(role)) return 'assign_roles';
  return targetType === 'tenant' ? 'manage' : 'grant';
}
