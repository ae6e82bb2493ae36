import type { AuditMap } from '../audit-log/index.js';
import type {
  CommandContext,
  DomainEvent,
  EventFamily,
  EventMap,
  PersonalType,
  SubjectMap,
} from '../event-store/index.js';
import type { RelationshipMap } from '../outbox/index.js';
import type { ReadModel } from './read-model.js';

/** Builds a command once its context is known. */
export type FollowUp = (context: CommandContext) => object;
/** What an event asks for next, in a process with a name of its own. Pure. */
export interface Process<E extends DomainEvent = DomainEvent> {
  readonly name: string;
  readonly followUps: Partial<EventMap<E, readonly FollowUp[]>>;
  /** Events whose follow-ups look at streams alone, so that the relay finds nothing more to do than whoever went first. */
  readonly once?: readonly E['type'][];
}

/** All that follows from the events of one noun of the domain. */
export interface Noun<E extends DomainEvent = DomainEvent> extends EventFamily<E> {
  readonly relationships: RelationshipMap<E>;
  readonly audit: AuditMap<E>;
}

/** A part of the domain as the runtime sees it: nouns, the read models and the processes that follow their events. */
export interface DomainPart {
  readonly nouns: readonly Noun[];
  readonly readModels: readonly ReadModel[];
  readonly processes: readonly Process[];
}

/** Required where events have personal fields: to say whose they are can't be forgotten. */
type OfSubjects<E extends DomainEvent> = [PersonalType<E>] extends [never] ? object : { subjects: SubjectMap<E> };

/** Keeps the event types of a noun exact, and forgets them for the runtime, which handles all nouns alike. */
export function noun<E extends DomainEvent>(exact: Noun<E> & OfSubjects<E>): Noun {
  return exact as unknown as Noun;
}

export function process<E extends DomainEvent>(exact: Process<E>): Process {
  return exact as unknown as Process;
}
