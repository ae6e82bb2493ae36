import { PERMISSIONS } from './catalogue.js';
import type { RoleContent } from './role.decider.js';
import { writeWritten, type WrittenPermissions } from './written-permissions.js';

export type RoleTarget = 'tenant' | 'workspace';

export interface RoleResource {
  /** Of a built-in role its name. */
  id: string;
  name: string;
  description: string | null;
  builtIn: boolean;
  requestable: boolean;
  /** What it can be held on. */
  targets: RoleTarget[];
  /** As the client wrote them. */
  permissions: WrittenPermissions;
  createdAt: string | null;
  updatedAt: string | null;
}
export type ListedRole = RoleResource & { revision: number };

const EVERYWHERE: readonly RoleTarget[] = ['tenant', 'workspace'];

export function roleResource(
  role: RoleContent & { id: string; createdAt: string; updatedAt: string },
): RoleResource & { createdAt: string; updatedAt: string } {
  const { id, name, description, requestable, createdAt, updatedAt } = role;
  const permissions = writeWritten(role);
  const about = { builtIn: false, requestable, targets: [...EVERYWHERE], permissions };
  return { id, name, description, ...about, createdAt, updatedAt };
}

interface BuiltIn {
  name: string;
  description: string;
  targets: readonly RoleTarget[];
  permissions: readonly string[];
}

/** Nobody can change them: they are relations of the schema. */
const BUILT_IN: readonly BuiltIn[] = [
  {
    name: 'admin',
    description: 'Manages what it is held on. On a tenant: everything in it.',
    targets: EVERYWHERE,
    permissions: PERMISSIONS,
  },
  { name: 'editor', description: 'Edits a workspace.', targets: ['workspace'], permissions: [] },
  { name: 'member', description: 'Sees what it is held on.', targets: EVERYWHERE, permissions: [] },
];
export const BUILT_IN_NAMES: readonly string[] = BUILT_IN.map(({ name }) => name);

export function builtInRole(name: string): BuiltIn | undefined {
  return BUILT_IN.find((builtIn) => builtIn.name === name);
}

/** @param requestable `tenant:member`, `workspace:editor`: what may be asked for in the tenant */
export function builtInRoles(requestable: readonly string[]): ListedRole[] {
  return BUILT_IN.map(({ name, description, targets, permissions }) => ({
    ...{ id: name, name, description, builtIn: true },
    requestable: targets.some((target) => requestable.includes(`${target}:${name}`)),
    ...{ targets: [...targets], permissions: [...permissions], createdAt: null, updatedAt: null, revision: 0 },
  }));
}
