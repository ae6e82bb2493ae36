import type { AuditMap } from '../audit-log/index.js';
import type { TokenEvent } from './user-tokens.decider.js';

export const tokensAudit: AuditMap<TokenEvent> = {
  'token-issued.v1': ({ data: { tokenId, userId, expiresAt } }) => ({
    action: 'token.issued',
    resource: { type: 'token', id: tokenId },
    new: { userId, expiresAt },
  }),
  'token-revoked.v1': ({ data: { tokenId, userId, reason } }) => ({
    action: 'token.revoked',
    resource: { type: 'token', id: tokenId },
    old: { userId },
    new: { userId, reason },
  }),
};
