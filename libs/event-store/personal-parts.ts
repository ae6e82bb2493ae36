import {
  isSealed,
  SealBroken,
  type KeyRing,
  openPart,
  replacesLost,
  type SealedPart,
  type SealedPlace,
  sealPart,
  SubjectKeyMissing,
} from '../personal-data/index.js';
import type { Recorded } from './domain-event.js';
import type { EventToAppend, JsonObject } from './event-log.js';
import type { ActorDetails, EventMetadata } from './event-metadata.js';

export function toBeSealed(part: object | undefined): boolean {
  return part !== undefined && !isSealed(part) && Object.keys(part).length > 0;
}

/** @param whose the fields of the actor and the event's own are, where there are any */
export function sealedEvent(
  { personal, metadata, ...event }: EventToAppend,
  whose: { actor?: string; own?: string },
  keys: KeyRing,
  seal: typeof sealPart,
): EventToAppend {
  const { personal: details, ...envelope } = metadata;
  const { id: eventId } = event;
  const actor = sealed(details, whose.actor, keys, seal, { eventId, part: 'metadata' });
  const own = sealed(personal, whose.own, keys, seal, { eventId, part: 'event' });
  return {
    ...event,
    ...(own && { personal: own as JsonObject }),
    metadata: { ...envelope, ...(actor && { personal: actor }) },
  };
}

function sealed(
  fields: object | undefined,
  subject: string | undefined,
  keys: KeyRing,
  seal: typeof sealPart,
  place: SealedPlace,
): SealedPart | object | undefined {
  if (!fields || subject === undefined) return fields;
  const key = keys.get(subject);
  if (!key) throw new SubjectKeyMissing(subject);
  return key === 'erased' ? undefined : seal(fields, key, subject, place);
}

/** @throws SubjectKeyMissing, SealBroken */
export function openedPart(part: object | undefined, eventId: string, keys: KeyRing): object | undefined {
  return isSealed(part) ? opened(part, keys, { eventId, part: 'event' }) : part;
}

/**
 * Opens its personal fields when they are first read, which most readers never do. A class, as the engine gives every
 * literal with a getter a shape of its own: reading such events took twice as long.
 */
export class RecordedSealed implements Recorded {
  readonly type: string;
  readonly data: object;
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
  readonly metadata: EventMetadata;
  private opened: object | undefined;
  private sealed: SealedPart | undefined;

  constructor(
    { type, data, personal, id, stream, revision, position, metadata }: Recorded & { personal: SealedPart },
    private readonly keys: KeyRing,
  ) {
    this.type = type;
    this.data = data;
    this.id = id;
    this.stream = stream;
    this.revision = revision;
    this.position = position;
    this.metadata = metadata;
    this.sealed = personal;
    this.opened = undefined;
  }

  /** @throws SubjectKeyMissing, SealBroken */
  get personal(): object | undefined {
    if (this.sealed) {
      this.opened = openedPart(this.sealed, this.id, this.keys);
      this.sealed = undefined;
    }
    return this.opened;
  }
}

/** Of an event: its own, and those of who acted. */
export interface PersonalParts {
  personal?: object;
  actor?: ActorDetails | SealedPart;
}
type Parts = Pick<EventToAppend, 'id' | 'personal' | 'metadata'>;

/** What can't be opened stays as it is, what was erased is absent. */
export function openedParts(
  { id: eventId, personal, metadata }: Parts,
  keys: KeyRing,
  open: typeof openPart,
): PersonalParts {
  return {
    personal: tried(personal, keys, open, { eventId, part: 'event' }),
    actor: tried(metadata.personal, keys, open, { eventId, part: 'metadata' }),
  };
}

/** Whole copies: taking members out of them while copying takes the engine ten times as long. */
export function withParts<E extends Parts>(event: E, { personal, actor }: PersonalParts): E {
  if (personal === event.personal && actor === event.metadata.personal) return event;
  const copy = { ...event, metadata: { ...event.metadata } };
  replace(copy, personal);
  replace(copy.metadata, actor);
  return copy;
}

function replace(copy: { personal?: object }, personal: object | undefined): void {
  if (personal) copy.personal = personal;
  else delete copy.personal;
}

function tried(part: object | undefined, keys: KeyRing, open: typeof openPart, place: SealedPlace): object | undefined {
  try {
    return isSealed(part) ? opened(part, keys, place, open) : part;
  } catch (error) {
    if (error instanceof SealBroken || error instanceof SubjectKeyMissing) return part;
    throw error;
  }
}

function opened(part: SealedPart, keys: KeyRing, place: SealedPlace, open = openPart): object | undefined {
  const key = keys.get(part.subject);
  if (!key) throw new SubjectKeyMissing(part.subject);
  if (key === 'erased') return undefined;
  try {
    return open(part, key, place);
  } catch (error) {
    if (error instanceof SealBroken && replacesLost(key)) return undefined;
    throw error;
  }
}
