import type { AuditMap } from '../audit-log/index.js';
import type { AssignmentEvent, Subject, Target } from './assignment.decider.js';

function about({ subject, target }: { subject: Subject; target: Target }) {
  return { subject: `${subject.type}:${subject.id}`, target: `${target.type}:${target.id}` };
}

const resource = ({ target }: { target: Target }) => ({ type: target.type, id: target.id });

export const assignmentsAudit: AuditMap<AssignmentEvent> = {
  'role-granted.v1': ({ data }) => ({
    action: 'role.granted',
    resource: resource(data),
    old: { ...about(data), roles: data.rolesBefore },
    new: { ...about(data), roles: data.rolesAfter, role: data.role, source: data.source, until: data.until },
  }),
  'role-ended.v1': ({ data }) => ({
    action: 'role.ended',
    resource: resource(data),
    old: { ...about(data), roles: data.rolesBefore, role: data.role, sources: data.sources },
    new: { ...about(data), roles: data.rolesAfter, reason: data.reason },
  }),
  'tenant-member-removed.v1': ({ data: { tenantId, userId, roles, reason } }) => ({
    action: 'tenant.member-removed',
    resource: { type: 'tenant', id: tenantId },
    old: { subject: `user:${userId}`, roles },
    new: { subject: `user:${userId}`, roles: [], reason },
  }),
  'tenant-service-account-removed.v1': ({ data: { tenantId, serviceAccountId, roles, reason } }) => ({
    action: 'tenant.member-removed',
    resource: { type: 'tenant', id: tenantId },
    old: { subject: `service_account:${serviceAccountId}`, roles },
    new: { subject: `service_account:${serviceAccountId}`, roles: [], reason },
  }),
  'role-request-opened.v1': ({ data }) => ({
    action: 'role-request.opened',
    resource: resource(data),
    new: { ...about(data), requestId: data.requestId, role: data.role, until: data.until },
  }),
  'role-request-closed.v1': ({ data }) => ({
    action: 'role-request.closed',
    resource: resource(data),
    old: { ...about(data), requestId: data.requestId, role: data.role },
  }),
};
