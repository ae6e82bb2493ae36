interface Walk {
  call(
    method: string,
    path: string,
    options?: { as?: string; body?: unknown; headers?: Record<string, string>; status?: number },
  ): Promise<{ id: string; items: { id: string }[] }>;
}

/** The routes of roles, as a client that believes the document calls them. */
export async function walkRoles(
  walk: Walk,
  at: { tenantId: string; workspaceId: string },
  { token: as }: { token: string },
  other: { id: string; token: string },
): Promise<void> {
  const [tenant, path] = [`/v1/tenants/${at.tenantId}`, `/v1/tenants/${at.tenantId}/roles`];
  const body = { name: 'Ops', description: 'on call', requestable: true, permissions: ['service_accounts:read'] };
  const { id: role } = await walk.call('POST', path, { as, body });
  await walk.call('POST', path, { as, body, status: 409 });
  await walk.call('POST', path, { as: other.token, body, status: 403 });
  await walk.call('POST', path, { as, body: { ...body, permissions: ['ships:sail'] }, status: 422 });
  await walk.call('GET', `${path}?limit=2`, { as });
  await walk.call('GET', `${path}/admin`, { as });
  await walk.call('PATCH', `${path}/admin`, { as, body: { name: 'Boss' }, status: 403 });
  await walk.call('PATCH', `${path}/${role}`, { as, body: { description: null, permissions: ['apps:read'] } });
  await walk.call('PATCH', `${path}/${role}`, {
    as,
    body: { name: 'x' },
    headers: { 'if-match': '"9"' },
    status: 412,
  });
  const permissions = { permissions: { apps: ['read'] }, app_permissions: { service_accounts: ['read'] } };
  await walk.call('PATCH', `${path}/${role}`, { as, body: { permissions } });
  await walk.call('GET', `${path}/${role}`, { as });
  const target = { type: 'workspace', id: at.workspaceId };
  const given = { subject: { type: 'user', id: other.id }, role, target };
  await walk.call('POST', `${tenant}/assignments`, { as, body: given });
  const { items } = await walk.call('GET', `${path}/${role}/assignments`, { as });
  await walk.call('GET', `${tenant}/workspaces/${at.workspaceId}/members?role=${role}`, { as });
  await walk.call('DELETE', `${path}/${role}`, { as, status: 409 });
  await walk.call('DELETE', `${tenant}/assignments/${items[0]!.id}`, { as });
  await walk.call('DELETE', `${path}/${role}`, { as });
  await walk.call('GET', `${path}/${role}`, { as, status: 404 });
}

/** The routes of checkers, likewise. */
export async function walkCheckers(walk: Walk, as: string, { id }: { id: string }): Promise<void> {
  const subject = { type: 'user', id };
  await walk.call('POST', '/v1/checkers', { as, body: { subject } });
  await walk.call('POST', '/v1/checkers', { as, body: { subject: { ...subject, type: 'group' } }, status: 422 });
  await walk.call('GET', '/v1/checkers?limit=1', { as });
  await walk.call('DELETE', `/v1/checkers/${id}`, { as, headers: { 'if-match': '"9"' }, status: 412 });
  await walk.call('DELETE', `/v1/checkers/${id}`, { as });
  await walk.call('DELETE', `/v1/checkers/${id}`, { as, status: 404 });
}
