import type { DomainPart } from '../projections/index.js';
import { serviceAccountsNoun } from './service-accounts.noun.js';
import { serviceAccountsProcess } from './service-accounts.process.js';
import { serviceAccountsModel } from './service-accounts.projection.js';

export type { ServiceAccountTables } from './list-service-accounts.js';
export type { ServiceAccountDeleted } from './service-account.decider.js';
export { findServiceAccount, hasServiceAccount } from './service-account-stream.js';
export { ServiceAccountsController } from './service-accounts.controller.js';
export { ServiceAccountsModule } from './service-accounts.module.js';

export const serviceAccountsPart: DomainPart = {
  nouns: [serviceAccountsNoun],
  readModels: [serviceAccountsModel],
  processes: [serviceAccountsProcess],
};
