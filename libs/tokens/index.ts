import type { DomainPart } from '../projections/index.js';
import { tokensNoun } from './tokens.noun.js';
import { tokensModel } from './tokens.projection.js';

export { IssueToken } from './issue-token.js';
export { tokenProblems } from './problems.js';
export { SecretMint } from './secret-mint.js';
export { ADMIN_TOKEN, TOKEN_PEPPERS } from './injection-tokens.js';
export { MyTokensController, UserTokensController } from './tokens.controller.js';
export { TokensModule } from './tokens.module.js';

export const tokensPart: DomainPart = { nouns: [tokensNoun], readModels: [tokensModel], processes: [] };
