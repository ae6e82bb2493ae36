import { Module } from '@nestjs/common';
import { ChangeProfileHandler, DeactivateUserHandler, EraseUserHandler } from './change-user.js';
import { GetUserHandler, ListUsersHandler } from './list-users.js';
import { ReinstateUserHandler, SuspendUserHandler } from './suspend-user.js';
import { RestoreAccessHandler, WithdrawAccessHandler } from './withdraw-access.js';
import { CompleteUserHandler, EnsureUserHandler, RegisterUserHandler } from './register-user.js';

/** Commands and queries; the routes are with the API. */
@Module({
  providers: [
    RegisterUserHandler,
    CompleteUserHandler,
    EnsureUserHandler,
    ChangeProfileHandler,
    DeactivateUserHandler,
    EraseUserHandler,
    SuspendUserHandler,
    ReinstateUserHandler,
    WithdrawAccessHandler,
    RestoreAccessHandler,
    ListUsersHandler,
    GetUserHandler,
  ],
})
export class UsersModule {}
