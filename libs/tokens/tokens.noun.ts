import { none } from '../outbox/index.js';
import { noun } from '../projections/index.js';
import { tokensAudit } from './tokens.audit.js';
import type { TokenEvent } from './user-tokens.decider.js';

export const tokensNoun = noun<TokenEvent>({
  name: 'tokens',
  types: {
    'token-issued.v1': 'A user got a token; only its HMAC is kept.',
    'token-revoked.v1': 'A token of a user works no more.',
  },
  subjects: { 'token-issued.v1': ({ data: { userId } }) => `user:${userId}` },
  relationships: { 'token-issued.v1': none, 'token-revoked.v1': none },
  audit: tokensAudit,
});
