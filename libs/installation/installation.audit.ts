import type { AuditMap } from '../audit-log/index.js';
import type { InstallationEvent } from './installation.decider.js';

const resource = { type: 'system', id: 'installation' };

export const installationAudit: AuditMap<InstallationEvent> = {
  'installation-initialised.v1': ({ data: { at: _at, ...initialised } }) => ({
    action: 'installation.initialised',
    resource,
    new: initialised,
  }),
  'system-admin-granted.v1': ({ data: { userId } }) => ({
    action: 'system-admin.granted',
    resource,
    new: { userId, role: 'admin' },
  }),
  'system-admin-ended.v1': ({ data: { userId } }) => ({
    action: 'system-admin.ended',
    resource,
    old: { userId, role: 'admin' },
    new: { userId, role: null },
  }),
};
