import { Module } from '@nestjs/common';
import { IssueTokenHandler } from './issue-token.js';
import { ListTokensHandler } from './list-tokens.js';
import { RevokeTokenHandler } from './revoke-token.js';
import { SecretMint } from './secret-mint.js';

/** Commands and queries; the routes and the guard are with the API. */
@Module({ providers: [SecretMint, IssueTokenHandler, RevokeTokenHandler, ListTokensHandler], exports: [SecretMint] })
export class TokensModule {}
