import { Module } from '@nestjs/common';
import { CheckPermissionsHandler } from './check-permissions.js';
import { ResourceTypes } from './resource-types.js';

/** Queries; the routes are with the API. */
@Module({ providers: [CheckPermissionsHandler, ResourceTypes] })
export class PermissionsModule {}
