import { Module } from '@nestjs/common';
import { TokensModule } from '../tokens/index.js';
import { AccountRights } from './account-rights.js';
import {
  CreateServiceAccountHandler,
  DeleteServiceAccountHandler,
  RenameServiceAccountHandler,
} from './change-service-account.js';
import { ClearServiceAccountsHandler, DeleteOrphanedServiceAccountHandler } from './clear-service-accounts.js';
import {
  GetServiceAccountHandler,
  ListServiceAccountsHandler,
  ListServiceAccountTokensHandler,
} from './list-service-accounts.js';
import { IssueServiceAccountTokenHandler, RevokeServiceAccountTokenHandler } from './service-account-tokens.js';

/** Commands and queries; the routes are with the API. */
@Module({
  imports: [TokensModule],
  providers: [
    AccountRights,
    CreateServiceAccountHandler,
    RenameServiceAccountHandler,
    DeleteServiceAccountHandler,
    ClearServiceAccountsHandler,
    DeleteOrphanedServiceAccountHandler,
    IssueServiceAccountTokenHandler,
    RevokeServiceAccountTokenHandler,
    ListServiceAccountsHandler,
    GetServiceAccountHandler,
    ListServiceAccountTokensHandler,
  ],
  exports: [AccountRights],
})
export class ServiceAccountsModule {}
