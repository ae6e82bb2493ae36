import { type Clock, derivedUuid, type Ids, traceparent } from '../platform/core.js';
import type { EventToAppend, JsonObject } from './event-log.js';
import { type Actor, type ActorDetails, PARTITION } from './event-metadata.js';
import type { DomainEvent, Recorded } from './domain-event.js';

/** Everything about a command but what it asks: who, when, why, and the id that makes a repeat recognisable. */
export interface CommandContext {
  commandId: string;
  actor: Actor;
  authentication: string;
  correlationId: string;
  causationId: string | null;
  /** ISO 8601 UTC; the only time a handler or decider knows. */
  at: string;
  personal?: ActorDetails;
}

/** The context of the follow-up number `index` that `process` answers to `cause` with: the same whoever runs it, and whenever. */
export function followUpContext(cause: Recorded, process: string, index: number): CommandContext {
  const { actor, correlationId, at } = cause.metadata;
  const principal = actor.onBehalfOf ?? (actor.type === 'process' ? undefined : { type: actor.type, id: actor.id });
  return {
    commandId: derivedUuid(cause.id, process, String(index)),
    actor: { type: 'process', id: process, ...(principal && { onBehalfOf: principal }) },
    authentication: 'process',
    correlationId,
    causationId: cause.id,
    at,
  };
}

/** The context of one of several appends a handler makes for one command. */
export function stepContext(context: CommandContext, step: string): CommandContext {
  return { ...context, commandId: derivedUuid(context.commandId, step) };
}

/** The context of what a process does by itself, such as a timer. */
export function processContext(process: string, clock: Clock, ids: Ids): CommandContext {
  return {
    commandId: ids.uuid(),
    actor: { type: 'process', id: process },
    authentication: 'process',
    correlationId: ids.uuid(),
    causationId: null,
    at: clock.now().toISOString(),
  };
}

/** Ids are of one stream: a command that is repeated on another one never stores the same id twice. */
export function toAppend(
  stream: string,
  events: readonly DomainEvent[],
  context: CommandContext,
  tenantId: string | null,
): EventToAppend[] {
  const { commandId, actor, authentication, correlationId, causationId, at, personal } = context;
  const trace = traceparent();
  return events.map((event, index) => ({
    id: derivedUuid(commandId, stream, String(index)),
    type: event.type,
    data: event.data as JsonObject,
    ...(event.personal && { personal: event.personal as JsonObject }),
    metadata: {
      tenantId,
      partition: PARTITION,
      actor,
      authentication,
      correlationId,
      causationId,
      commandId,
      at,
      ...(trace && { traceparent: trace }),
      ...(personal && { personal }),
    },
  }));
}
