import { randomUUID } from 'node:crypto';
import type { EventMetadata, EventToAppend } from '../event-store/index.js';

/** Metadata of a user's command; override what the test is about. */
export function someMetadata(overrides: Partial<EventMetadata> = {}): EventMetadata {
  return {
    tenantId: '01J8Z6X0T3N4N5P6Q7R8S9T0V1',
    partition: 0,
    actor: { type: 'user', id: '01J8Z6X0T3A1C2T3R4S5T6V7W8' },
    authentication: 'token',
    correlationId: randomUUID(),
    causationId: null,
    commandId: randomUUID(),
    at: '2025-01-02T03:04:05.678Z',
    ...overrides,
  };
}

/** An event with an id of its own; override what the test is about. */
export function anEvent(overrides: Partial<EventToAppend> = {}): EventToAppend {
  return { id: randomUUID(), type: 'sample-recorded.v1', data: {}, metadata: someMetadata(), ...overrides };
}

export function someEvents(count: number, overrides: Partial<EventToAppend> = {}): EventToAppend[] {
  return Array.from({ length: count }, (_, number) => anEvent({ data: { number }, ...overrides }));
}
