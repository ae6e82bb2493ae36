/** What roles of tenants can allow, by resource. An entry that was ever in here stays: events and schemas name it. */
const CATALOGUE = {
  apps: ['read', 'create', 'update', 'delete'],
  connectors: ['read', 'create', 'update', 'delete'],
  environments: ['read', 'create', 'update', 'delete'],
  groups: ['read', 'create', 'update', 'delete'],
  invites: ['read', 'create', 'delete'],
  logs: ['read'],
  members: ['read', 'create', 'update', 'delete'],
  policies: ['read', 'create', 'update', 'delete'],
  requests: ['read'],
  roles: ['read', 'create', 'update', 'delete', 'assign'],
  serviceAccounts: ['read', 'create', 'update', 'delete'],
  serviceAccountTokens: ['read', 'create', 'delete'],
  tags: ['read', 'create', 'update', 'delete'],
  webhooks: ['read', 'create', 'update', 'delete'],
  workspaces: ['read', 'create', 'update', 'delete'],
} as const satisfies Record<string, readonly string[]>;

const entries = Object.entries<readonly string[]>(CATALOGUE).flatMap(([resource, actions]) =>
  actions.map((action) => ({
    permission: `${resource}:${action}`,
    snake: `${snakeCase(resource)}:${action}`,
    relation: `${snakeCase(resource)}_${action}`,
  })),
);

/** `resource:action`, the resource in camelCase: the form that is stored. */
export const PERMISSIONS: readonly string[] = entries.map(({ permission }) => permission);
/** Every way to write a permission in a body: the resource in camelCase or in snake_case. */
export const SPELLINGS: readonly string[] = [
  ...new Set(entries.flatMap(({ permission, snake }) => [permission, snake])),
];
/** Names of the permissions in SpiceDB: `service_accounts_create`. */
export const RELATIONS: readonly string[] = entries.map(({ relation }) => relation);

const canonical = new Map(
  entries.flatMap(({ permission, snake }) => [permission, snake].map((text) => [text, permission])),
);
const relations = new Map(entries.map(({ permission, relation }) => [permission, relation]));

/** The stored form of a permission in either spelling; undefined for what the catalogue does not have. */
export function permissionOf(spelling: string): string | undefined {
  return canonical.get(spelling);
}

/** What SpiceDB calls a permission, in either spelling; undefined for what the catalogue does not have. */
export function relationOf(spelling: string): string | undefined {
  return relations.get(canonical.get(spelling) ?? '');
}

export interface Spelled {
  /** In stored form, in the order of the client. */
  permissions: string[];
  /** Permission → how the client writes it, where that is another form. */
  spelledAs: Record<string, string>;
}

/** What a client asked for, in stored form; of a permission written twice the first spelling counts. */
export function readPermissions(spellings: readonly string[]): Spelled {
  const found = new Map<string, string>();
  for (const spelling of spellings) {
    const permission = permissionOf(spelling);
    if (permission !== undefined && !found.has(permission)) found.set(permission, spelling);
  }
  const permissions = [...found.keys()];
  const others = permissions.filter((permission) => found.get(permission) !== permission);
  return { permissions, spelledAs: Object.fromEntries(others.map((name) => [name, found.get(name)!])) };
}

/** The permissions as the client wrote them. */
export function writePermissions({
  permissions,
  spelledAs,
}: {
  permissions: readonly string[];
  spelledAs: object;
}): string[] {
  const spellings = spelledAs as Readonly<Record<string, string>>;
  return permissions.map((permission) => spellings[permission] ?? permission);
}

function snakeCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
