import type { AuditMap } from '../audit-log/index.js';
import { checkerKey, type InstallationEvent } from './installation.decider.js';

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
  'system-checker-granted.v1': ({ data: { subject } }) => ({
    action: 'system-checker.granted',
    resource,
    new: { subject: checkerKey(subject), role: 'checker' },
  }),
  'system-checker-ended.v1': ({ data: { subject, reason } }) => ({
    action: 'system-checker.ended',
    resource,
    old: { subject: checkerKey(subject), role: 'checker' },
    new: { subject: checkerKey(subject), role: null, reason },
  }),
};
