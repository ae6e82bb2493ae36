import type { StoredEvent } from './event-log.js';
import type { EventMetadata } from './event-metadata.js';

/** What a decider emits: a frozen stored name, plain data, and personal fields apart from it. */
export interface DomainEvent<
  Type extends string = string,
  Data extends object = object,
  Personal extends object = object,
> {
  type: Type;
  data: Data;
  personal?: Personal;
}

/** A domain event as it stands in the log. */
export type Recorded<E extends DomainEvent = DomainEvent> = E & {
  id: string;
  stream: string;
  revision: number;
  position: number;
  metadata: EventMetadata;
};

/** Why a decider says no; the runtime turns it into a Refused with this code. */
export interface Refusal {
  refused: string;
  detail?: string;
  field?: string;
  /** More members for the problem document, such as the id of the open request. */
  extra?: Record<string, unknown>;
}

/** Events to append (none: nothing to do, which is a success) or a refusal. */
export type Decision<E extends DomainEvent> = readonly E[] | Refusal;

export interface Decider<State, E extends DomainEvent> {
  readonly name: string;
  readonly initial: State;
  /** `position` is the event's place in the log: deciders compare it, and never store a clock instead. */
  readonly evolve: (state: State, event: E, position: number) => State;
}

/** One handler for every event type of a family: a forgotten one does not compile. */
export type EventMap<E extends DomainEvent, Result> = {
  readonly [T in E['type']]: (event: Recorded<Extract<E, { type: T }>>) => Result;
};

/** The event types of a family that have personal fields. */
export type PersonalType<E extends DomainEvent> = {
  [T in E['type']]: keyof NonNullable<Extract<E, { type: T }>['personal']> extends never ? never : T;
}[E['type']];

/** Whose the personal fields of an event are, as `user:01J…`: with that person's key they are sealed. */
export type SubjectMap<E extends DomainEvent> = {
  readonly [T in PersonalType<E>]: (event: Extract<E, { type: T }>) => string;
};

/** Turns an event stored under an old name into the one today's code knows. */
export type Upcaster = (stored: Pick<StoredEvent, 'type' | 'data' | 'personal'>) => DomainEvent;
