import { Injectable } from '@nestjs/common';
import { Access, CommandEdge, type Principal, subjectOf } from '../edge/index.js';
import { DeciderRuntime } from '../event-store/index.js';
import { normaliseUlid, Refused } from '../platform/index.js';
import { type ExistingRole, requireRole, roleNamed, RoleRights } from '../roles/index.js';
import { isBuiltIn, type RoleName, rolesOf, type Subject, type Target } from './assignment.decider.js';
import type { Changeable } from './grant-role.js';
import type { FastifyRequest } from 'fastify';

/** What may be in the way of giving a role of the tenant. */
export const OF_OWN_ROLES = ['permissions-missing', 'role-changed-meanwhile', 'conflict'];

/** What plain members hold: nobody gives that without holding it. */
const HELD_BY_MEMBERS = { tenant: 'create_api_key', workspace: 'view' } as const;

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
  mayChange: Changeable;
}
/** What is done to a member. */
export type MemberChange = 'create' | 'update' | 'delete';

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

export function isCaller(caller: Principal, { type, id }: Subject): boolean {
  return caller.type === type && caller.id === id;
}

/** Whether somebody would change what they hold on the tenant themselves, which is for others. */
export function isOwnMembership(caller: Principal, subject: Subject, target: Target): boolean {
  return target.type === 'tenant' && isCaller(caller, subject);
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
   * @throws Refused `forbidden`, `not-found`, `permissions-missing`, `invalid`
   */
  async toGive(
    request: FastifyRequest,
    caller: Principal,
    asked: Asked,
    change: MemberChange = 'create',
  ): Promise<GivenRole> {
    const { tenantId, target } = asked;
    let given: GivenRole = { role: normaliseUlid(asked.role) ?? asked.role, mayChange: 'everybody' };
    requireOf(target.type, asked.role);
    await this.edge.permit(request, async () => {
      const plainAlone = await this.requireChanging(caller, asked, change);
      const mayChange = !plainAlone ? 'everybody' : (await this.mayChangePlain(caller, target)) ? 'members' : 'nobody';
      const { role, own } = await namedRole(this.runtime, { tenantId, role: asked.role, targetType: target.type });
      if (own) await this.rights.requireHeld(subjectOf(caller), `${target.type}:${target.id}`, own.permissions);
      given = { role, mayChange, ...(own && { roleRevision: own.revision }) };
    });
    return given;
  }

  /** @throws Refused `forbidden`, `not-found` */
  toTake(request: FastifyRequest, caller: Principal, asked: Omit<Asked, 'tenantId'>): Promise<void> {
    return this.edge.permit(request, async () => void (await this.requireChanging(caller, asked, 'delete')));
  }

  /** Whether the caller takes from plain members alone what they hold on a target. */
  async sparesAdmins(caller: Principal, { type, id }: Target): Promise<boolean> {
    const question = {
      subject: subjectOf(caller),
      resource: `${type}:${id}`,
      permission: rightToChange('admin', type),
    };
    return !(await this.access.allows(question));
  }

  private mayChangePlain(caller: Principal, { type, id }: Target): Promise<boolean> {
    const permission = rightToChangePlain('update', type);
    return this.access.allows({ subject: subjectOf(caller), resource: `${type}:${id}`, permission });
  }

  /** @returns whether plain members alone are the caller's to change */
  private async requireChanging(
    caller: Principal,
    { role, target }: Omit<Asked, 'tenantId'>,
    change: MemberChange,
  ): Promise<boolean> {
    const { type, id } = target;
    const isPlain = role === 'member';
    const permission = isPlain ? rightToChangePlain(change, type) : rightToChange(role, type);
    const question = { subject: subjectOf(caller), resource: `${type}:${id}` };
    await this.access.require({ ...question, permission, seenWith: 'view', fresh: true });
    if (!isPlain || !(await this.sparesAdmins(caller, target))) return false;
    if (change !== 'delete')
      await this.access.require({ ...question, permission: HELD_BY_MEMBERS[type], seenWith: 'view' });
    return true;
  }
}

/** The permission that gives and takes a role, and decides requests for it. */
export function rightToChange(role: string, targetType: Target['type']): string {
  if (!isBuiltIn(role)) return 'assign_roles';
  return targetType === 'tenant' ? 'manage' : 'grant';
}

/** The permission that gives and takes plain membership. */
function rightToChangePlain(change: MemberChange, targetType: Target['type']): string {
  if (targetType === 'tenant') return `members_${change}`;
  return { create: 'add_members', update: 'change_members', delete: 'remove_members' }[change];
}
