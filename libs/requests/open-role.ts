import {
  executeOnAssignment,
  isDecidedByTenant,
  latestEnd,
  loadStanding,
  openRoleRequest,
} from '../assignments/index.js';
import type { CommandContext, DeciderRuntime } from '../event-store/index.js';
import type { RoleWanted } from './request.decider.js';

export type Opening = Awaited<ReturnType<typeof openingOf>>;
export type NewRequest = RoleWanted & { reason?: string };

export function assignmentOf({ tenantId, requester: subject, target }: NewRequest) {
  return { tenantId, subject, target };
}

/** What the assignment is asked, so that it decides whether there is room for the request. */
export async function openingOf(
  runtime: DeciderRuntime,
  context: CommandContext,
  asked: NewRequest,
  supersedes?: string,
) {
  const key = assignmentOf(asked);
  const { held, removedAt } = await loadStanding(runtime, key, context.at);
  const { requestId, role, until, reason } = asked;
  const admin = isDecidedByTenant(asked) ? held.admin : undefined;
  const heldElsewhere = admin && latestEnd(Object.values(admin).map((holding) => holding.until));
  return { ...key, requestId, role, until, reason, removedAt, heldElsewhere, supersedes, at: context.at };
}

/**
 * Opens a request on the assignment of requester and target; its submission follows.
 * @throws Refused `role-already-held`, `request-pending`, `not-found`
 */
export async function openRole(
  runtime: DeciderRuntime,
  context: CommandContext,
  asked: NewRequest,
  supersedes?: string,
) {
  return openAs(runtime, context, await openingOf(runtime, context, asked, supersedes));
}

/** The same with an opening that was made before. */
export function openAs(runtime: DeciderRuntime, context: CommandContext, opening: Opening) {
  return executeOnAssignment(runtime, context, opening, (state) => openRoleRequest(opening, state));
}
