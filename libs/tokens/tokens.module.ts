import { Module } from '@nestjs/common';
import { IssueTokenHandler } from './issue-token.js';
import { ListTokensHandler } from './list-tokens.js';
import { RevokeTokenHandler } from './revoke-token.js';

/** Commands and queries; the routes and the guard are with the API. */
@Module({ providers: [IssueTokenHandler, RevokeTokenHandler, ListTokensHandler] })
export class TokensModule {}
