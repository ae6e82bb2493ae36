import 'reflect-metadata';
import { applyDecorators, SetMetadata, type Type, UseInterceptors } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { type Requirement, requirementOf } from './access-guard.js';
import { readCall } from './call.js';
import { RevisionHeader } from './revision-header.js';

const ANSWER = 'described-answer';
const PROBLEMS = 'described-problems';
const IF_MATCH = 'honours-if-match';

/** What a route answers with; a command adds `revision`, `token` and `effective` to it. */
export interface DescribedAnswer {
  document: Type<object>;
  isPage: boolean;
}
export interface RouteDescription {
  answer?: DescribedAnswer;
  /** Codes of its own, next to those that follow from what kind of route it is. */
  problems: readonly string[];
  requirement?: Requirement;
  isCommand: boolean;
  honoursIfMatch: boolean;
}

export const AnswersWith = (document: Type<object>) =>
  applyDecorators(SetMetadata(ANSWER, { document, isPage: false }), UseInterceptors(RevisionHeader));
export const AnswersPageOf = (document: Type<object>) => SetMetadata(ANSWER, { document, isPage: true });
/** The codes a route refuses with for reasons of its own. */
export const Problems = (...codes: string[]) => SetMetadata(PROBLEMS, codes);
/** Declares that the handler compares `ifRevision` of its call. */
export const HonoursIfMatch = () => SetMetadata(IF_MATCH, true);

export function describeRoute(controller: Type<unknown>, method: string): RouteDescription {
  const handler = (controller.prototype as Record<string, () => unknown>)[method]!;
  return {
    answer: Reflect.getMetadata(ANSWER, handler) as DescribedAnswer | undefined,
    problems: (Reflect.getMetadata(PROBLEMS, handler) as string[] | undefined) ?? [],
    requirement: requirementOf(handler, controller),
    isCommand: readsCall(controller, method),
    honoursIfMatch: Reflect.getMetadata(IF_MATCH, handler) === true,
  };
}

function readsCall(controller: Type<unknown>, method: string): boolean {
  const parameters = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as Record<string, object>;
  return Object.values(parameters).some((parameter) => 'factory' in parameter && parameter.factory === readCall);
}
