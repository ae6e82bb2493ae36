import type { DomainPart } from '../projections/index.js';
import { installationNoun } from './installation.noun.js';
import { installationProcess } from './installation.process.js';
import { systemAdminsModel, systemCheckersModel } from './installation.projection.js';

export { CheckersController } from './checkers.controller.js';
export { type Initialised, initialiseInstallation, InstallationFailed } from './initialise-installation.js';
export { InstallationModule } from './installation.module.js';
export { BootstrapAdmin, GrantSystemAdmin } from './system-admins.js';

export const installationPart: DomainPart = {
  nouns: [installationNoun],
  readModels: [systemAdminsModel, systemCheckersModel],
  processes: [installationProcess],
};
