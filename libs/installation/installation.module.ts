import { Module } from '@nestjs/common';
import { EndCheckerHandler, EndOrphanedCheckerHandler, GrantCheckerHandler } from './checkers.js';
import { InitialiseInstallationHandler } from './initialise-installation.js';
import { ListCheckersHandler } from './list-checkers.js';
import { BootstrapAdminHandler, EndSystemAdminHandler, GrantSystemAdminHandler } from './system-admins.js';

/** Commands and queries; the routes are with the API. */
@Module({
  providers: [
    InitialiseInstallationHandler,
    GrantSystemAdminHandler,
    EndSystemAdminHandler,
    BootstrapAdminHandler,
    GrantCheckerHandler,
    EndCheckerHandler,
    EndOrphanedCheckerHandler,
    ListCheckersHandler,
  ],
})
export class InstallationModule {}
