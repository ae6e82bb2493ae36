import { Module } from '@nestjs/common';
import { RolesModule } from '../roles/index.js';
import { CloseRequestsHandler, CloseRequestsUnlessMemberHandler } from './close-requests.js';
import { CloseRoleRequestHandler } from './close-role-request.js';
import { EndRequestedRoleHandler, EndRequestGrantHandler, GrantRequestedHandler } from './complete-decision.js';
import {
  CloseOrphanedRequestHandler,
  CompleteSubmissionHandler,
  OpenSupersedingHandler,
} from './complete-submission.js';
import { DecideRequestHandler } from './decide-request.js';
import { GetRequestHandler, ListRequestsHandler } from './list-requests.js';
import { RequestAccess } from './request-access.js';
import { RevokeRequestHandler } from './revoke-request.js';
import { SubmitRequestHandler } from './submit-request.js';
import { WithdrawRequestHandler } from './withdraw-request.js';

/** Commands, queries and the rights they need; the routes are with the API. */
@Module({
  imports: [RolesModule],
  providers: [
    SubmitRequestHandler,
    OpenSupersedingHandler,
    CompleteSubmissionHandler,
    CloseOrphanedRequestHandler,
    DecideRequestHandler,
    GrantRequestedHandler,
    EndRequestGrantHandler,
    EndRequestedRoleHandler,
    WithdrawRequestHandler,
    RevokeRequestHandler,
    CloseRequestsHandler,
    CloseRequestsUnlessMemberHandler,
    CloseRoleRequestHandler,
    ListRequestsHandler,
    GetRequestHandler,
    RequestAccess,
  ],
  exports: [RequestAccess],
})
export class RequestsModule {}
