import { Module } from '@nestjs/common';
import { InitialiseInstallationHandler } from './initialise-installation.js';
import { BootstrapAdminHandler, EndSystemAdminHandler, GrantSystemAdminHandler } from './system-admins.js';

/** Commands alone: an installation has no routes. */
@Module({
  providers: [InitialiseInstallationHandler, GrantSystemAdminHandler, EndSystemAdminHandler, BootstrapAdminHandler],
})
export class InstallationModule {}
