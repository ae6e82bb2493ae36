import type { DomainPart } from '../projections/index.js';
import { identitiesNoun, usersNoun } from './users.noun.js';
import { usersProcess } from './users.process.js';
import { usersModel } from './users.projection.js';

export { ChangeProfile, DeactivateUser, EraseUser } from './change-user.js';
export { GetUser } from './list-users.js';
export { MeController } from './me.controller.js';
export { userProblems } from './problems.js';
export { EnsureUser, RegisterUser } from './register-user.js';
export { ReinstateUser, SuspendUser } from './suspend-user.js';
export { callingUser, requireSelfOrAdmin } from './self-or-admin.js';
export { loadUser } from './user-streams.js';
export type { ExternalIdentity, GivenProfile, UserDeactivated, UserErased, UserState } from './user.decider.js';
export { UsersController } from './users.controller.js';
export { UsersModule } from './users.module.js';

export const usersPart: DomainPart = {
  nouns: [identitiesNoun, usersNoun],
  readModels: [usersModel],
  processes: [usersProcess],
};
