export { ConsistencyController } from './consistency.controller.js';
export { PermissionsController } from './permissions.controller.js';
export { PermissionsModule } from './permissions.module.js';
