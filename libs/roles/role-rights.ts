import { Injectable } from '@nestjs/common';
import { Access } from '../edge/index.js';
import { Refused } from '../platform/index.js';
import { relationOf } from './catalogue.js';

/** Nobody passes on what they don't hold themselves. */
@Injectable()
export class RoleRights {
  constructor(private readonly access: Access) {}

  /**
   * Asks SpiceDB freshly.
   * @param subject `user:…`
   * @param resource `tenant:…`, `workspace:…`: what the permissions are given on
   * @throws Refused `permissions-missing`, which says which permissions the subject does not hold there
   */
  async requireHeld(subject: string, resource: string, permissions: readonly string[]): Promise<void> {
    const relations = permissions.map((permission) => relationOf(permission)!);
    const held = await this.access.allowsEach({ subject, resource, permissions: relations });
    const missing = permissions.filter((_, index) => !held[index]);
    if (missing.length === 0) return;
    throw new Refused('permissions-missing', `you don't hold ${missing.join(', ')} yourself`, { missing });
  }
}
