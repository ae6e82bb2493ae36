import { Injectable } from '@nestjs/common';
import { hasTarget, isBuiltIn, rightToChange, type RoleName, type Subject, type Target } from '../assignments/index.js';
import { Access, subjectOf } from '../edge/index.js';
import { DeciderRuntime } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { loadRole, RoleRights } from '../roles/index.js';
import type { Verdict } from './approval.decider.js';
import { isSame } from './request.decider.js';
import { requireRequest, type RequestKey } from './request-stream.js';

interface About {
  tenantId: string;
  requester: Subject;
  role: RoleName;
  target: Target;
}

/** Who may do what with a request. */
@Injectable()
export class RequestAccess {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly access: Access,
    private readonly roles: RoleRights,
  ) {}

  /**
   * @returns the revision of a role of the tenant that the caller may approve, as they hold all that it allows
   * @throws Refused `own-request`, `permissions-missing`, `forbidden` to who belongs to the tenant, else `not-found`
   */
  async requireReviewer(caller: Subject, key: RequestKey, verdict: Verdict): Promise<number | undefined> {
    const { request } = await requireRequest(this.runtime, key);
    const isOwn = isSame(request.requester, caller);
    if ((await this.mayDecide(caller, request, true)) && !isOwn) {
      return verdict === 'approved' ? this.requireHeld(caller, request) : undefined;
    }
    if (!(await this.belongs(caller, request))) throw new Refused('not-found');
    throw new Refused(isOwn ? 'own-request' : 'forbidden');
  }

  /** Like `requireReviewer`; one's own grant may be revoked too. */
  async requireRevoker(caller: Subject, key: RequestKey): Promise<void> {
    const { request } = await requireRequest(this.runtime, key);
    if (await this.mayDecide(caller, request, true)) return;
    throw new Refused((await this.belongs(caller, request)) ? 'forbidden' : 'not-found');
  }

  /** @throws Refused `forbidden` to who may see the request, else `not-found` */
  async requireRequester(caller: Subject, key: RequestKey): Promise<void> {
    const { request } = await requireRequest(this.runtime, key);
    if (!isSame(request.requester, caller)) {
      throw new Refused((await this.maySee(caller, request)) ? 'forbidden' : 'not-found');
    }
    if (!(await this.belongs(caller, request))) throw new Refused('not-found');
  }

  async maySee(caller: Subject, about: About): Promise<boolean> {
    if (isSame(about.requester, caller) && (await this.belongs(caller, about))) return true;
    if (await this.mayDecide(caller, about)) return true;
    const resource = `tenant:${about.tenantId}`;
    return this.access.allows({ subject: subjectOf(caller), resource, permission: 'requests_read' });
  }

  /** Nobody lets others have what they don't hold; whether role and target are still there, the decision itself says. */
  private async requireHeld(caller: Subject, { tenantId, role, target }: About): Promise<number | undefined> {
    if (isBuiltIn(role)) return undefined;
    const own = await loadRole(this.runtime, { tenantId, roleId: role });
    if (own.status === 'absent' || own.status === 'deleted') return undefined;
    if (await hasTarget(this.runtime, { tenantId, target })) {
      await this.roles.requireHeld(subjectOf(caller), `${target.type}:${target.id}`, own.permissions);
    }
    return own.revision;
  }

  /** Who administrates the tenant decides also about a target that is gone. */
  private async mayDecide(caller: Subject, { tenantId, role, target }: About, fresh = false): Promise<boolean> {
    const [resource, permission] = [`${target.type}:${target.id}`, rightToChange(role, target.type)];
    const subject = subjectOf(caller);
    try {
      await this.access.require({ subject, resource, permission, fresh });
      return true;
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'not-found') throw error;
    }
    return this.access.allows({ subject, resource: `tenant:${tenantId}`, permission: 'manage' });
  }

  private belongs(caller: Subject, { tenantId }: About): Promise<boolean> {
    return this.access.allows({ subject: subjectOf(caller), resource: `tenant:${tenantId}`, permission: 'view' });
  }
}
