import { type Access, INSTALLATION, type Principal, subjectOf } from '../edge/index.js';
import { Refused } from '../platform/index.js';

/** The user who calls; a service account has no profile and no tokens of a person. */
export function callingUser({ type, id }: Principal): string {
  if (type !== 'user') throw new Refused('forbidden', 'this is only there for users');
  return id;
}

/** @throws Refused `not-found` to everybody but the user and system admins: whether the user exists is not told */
export async function requireSelfOrAdmin(
  access: Access,
  caller: Principal,
  { userId, fresh = false }: { userId: string; fresh?: boolean },
): Promise<void> {
  if (caller.type === 'user' && caller.id === userId) return;
  const question = { subject: subjectOf(caller), resource: INSTALLATION, permission: 'administrate', fresh };
  await access.require(question).catch((error: unknown) => {
    throw error instanceof Refused && error.code === 'forbidden' ? new Refused('not-found') : error;
  });
}
