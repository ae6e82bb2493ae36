import { noun } from '../projections/index.js';
import type { RoleEvent } from './role.decider.js';
import type { RoleNameEvent } from './role-name.decider.js';
import { roleNamesAudit, rolesAudit } from './roles.audit.js';
import { roleNameRelationships, roleRelationships } from './roles.relationships.js';

export const rolesNoun = noun<RoleEvent>({
  name: 'roles',
  types: {
    'role-created.v1': 'A tenant defined a role.',
    'role-changed.v1': 'A tenant changed a role: what it allows, it allows everybody who holds it.',
    'role-deletion-started.v1': 'A role is to go: nobody is given it any more.',
    'role-deletion-stopped.v1': 'A role stays, because somebody holds it.',
    'role-deleted.v1': 'A role that nobody holds is gone, or a role went with its tenant.',
  },
  relationships: roleRelationships,
  audit: rolesAudit,
});

export const roleNamesNoun = noun<RoleNameEvent>({
  name: 'role-names',
  types: {
    'role-name-claimed.v1': 'A name belongs to a role, which is created or renamed with it.',
    'role-name-released.v1': 'A name is free again in the tenant.',
  },
  relationships: roleNameRelationships,
  audit: roleNamesAudit,
});
