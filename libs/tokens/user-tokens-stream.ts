import type { CommandContext, DeciderRuntime, Decision } from '../event-store/index.js';
import { type TokenEvent, type UserTokens, userTokens } from './user-tokens.decider.js';

export interface TokenResource {
  id: string;
  userId: string;
  name: string;
  createdAt: string;
  /** Who issued it: the user, or a system admin. */
  createdBy: string;
  expiresAt: string | null;
  revokedAt: string | null;
}

const userTokensStream = (userId: string): string => `tokens-${userId}`;

export function executeOnTokens(
  runtime: DeciderRuntime,
  context: CommandContext,
  userId: string,
  decide: (tokens: UserTokens) => Decision<TokenEvent>,
) {
  return runtime.execute({ stream: userTokensStream(userId), decider: userTokens, tenantId: null, context, decide });
}
