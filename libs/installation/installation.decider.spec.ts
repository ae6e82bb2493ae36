import { given } from '../testing/index.js';
import {
  endChecker,
  endSystemAdmin,
  grantChecker,
  grantSystemAdmin,
  initialise,
  installation,
  type InstallationEvent,
} from './installation.decider.js';

const userId = '01JQ0000000000000000000ADA';
const at = '2026-02-01T10:00:00.000Z';
const decided = {
  adminUserId: userId,
  defaultTenantId: '01JQ0000000000000000000TEN',
  defaultTenantName: 'default',
  rootWorkspaceId: '01JQ0000000000000000000R0T',
  rootWorkspaceName: 'Main',
};
const initialised: InstallationEvent = { type: 'installation-initialised.v1', data: { ...decided, at } };
const granted: InstallationEvent = { type: 'system-admin-granted.v1', data: { userId, at } };
const ended: InstallationEvent = { type: 'system-admin-ended.v1', data: { userId, at } };

describe('initialising an installation', () => {
  it('decides on its administrator and its default tenant', () => {
    given(installation)
      .when((state) => initialise({ ...decided, at }, state))
      .then([initialised]);
  });

  it('happens once, whatever a later start is configured with', () => {
    given(installation, [initialised])
      .when((state) => initialise({ ...decided, adminUserId: 'another', defaultTenantName: 'another', at }, state))
      .thenNothing();
  });

  it('also happens where an operator made somebody an admin before the first start', () => {
    given(installation, [granted])
      .when((state) => initialise({ ...decided, at }, state))
      .then([initialised]);
  });
});

describe('a system admin', () => {
  it('is granted once', () => {
    given(installation)
      .when((state) => grantSystemAdmin({ userId, user: 'active', at }, state))
      .then([granted]);
    given(installation, [granted])
      .when((state) => grantSystemAdmin({ userId, user: 'active', at }, state))
      .thenNothing();
  });

  it('is a user who exists and is active', () => {
    given(installation)
      .when((state) => grantSystemAdmin({ userId, user: 'absent', at }, state))
      .thenRefused('not-found');
    given(installation, [granted])
      .when((state) => grantSystemAdmin({ userId, user: 'deactivated', at }, state))
      .thenRefused('user-inactive');
    given(installation)
      .when((state) => grantSystemAdmin({ userId, user: 'suspended', at }, state))
      .thenRefused('user-suspended');
  });

  it('ends once, and may be granted again', () => {
    given(installation, [granted])
      .when((state) => endSystemAdmin({ userId, at }, state))
      .then([ended]);
    given(installation, [granted, ended])
      .when((state) => endSystemAdmin({ userId, at }, state))
      .thenNothing();
    given(installation, [granted, ended])
      .when((state) => grantSystemAdmin({ userId, user: 'active', at }, state))
      .then([granted]);
  });
});

describe('a checker', () => {
  const subject = { type: 'service_account' as const, id: '01JQ0000000000000000000B0T' };
  const checker = (revision: number): InstallationEvent => {
    return { type: 'system-checker-granted.v1', data: { subject, revision, at } };
  };
  const none = (revision: number): InstallationEvent => {
    return { type: 'system-checker-ended.v1', data: { subject, reason: 'revoked', revision, at } };
  };
  const end = { subjectId: subject.id, reason: 'revoked' as const, at };

  it('is granted once, to somebody who is there', () => {
    given(installation)
      .when((state) => grantChecker({ subject, isThere: true, at }, state))
      .then([checker(1)]);
    given(installation, [checker(1)])
      .when((state) => grantChecker({ subject, isThere: true, at }, state))
      .thenNothing();
    given(installation)
      .when((state) => grantChecker({ subject, isThere: false, at }, state))
      .thenRefused('subject-not-found');
  });

  it('ends once, as it was seen, and may be granted again', () => {
    given(installation, [checker(1)])
      .when((state) => endChecker({ ...end, ifRevision: 1 }, state))
      .then([none(2)]);
    given(installation, [checker(1)])
      .when((state) => endChecker({ ...end, ifRevision: 2 }, state))
      .thenRefused('stale-revision');
    given(installation, [checker(1)])
      .when((state) => endChecker({ ...end, subjectId: userId }, state))
      .thenNothing();
    given(installation, [checker(1), none(2)])
      .when((state) => endChecker(end, state))
      .thenNothing();
    given(installation, [checker(1), none(2)])
      .when((state) => endChecker({ ...end, mustHold: true }, state))
      .thenRefused('not-found');
    given(installation, [checker(1), none(2)])
      .when((state) => grantChecker({ subject, isThere: true, at }, state))
      .then([checker(3)]);
  });
});
