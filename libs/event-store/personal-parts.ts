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
import type { EventMetadata } from './event-metadata.js';

export function toBeSealed(part: object | undefined): boolean {
  return part !== undefined && !isSealed(part) && Object.keys(part).length > 0;
}

/** @param whose the fields of the actor and the event's own are, where there are any */
export function sealedEvent(
  { personal, metadata, ...event }: EventToAppend,
  whose: { actor?: string; own?: string },
  keys: KeyRing,
): EventToAppend {
  const { personal: details, ...envelope } = metadata;
  const { id: eventId } = event;
  const actor = sealed(details, keys, whose.actor, { eventId, part: 'metadata' });
  const own = sealed(personal, keys, whose.own, { eventId, part: 'event' });
  return {
    ...event,
    ...(own && { personal: own as JsonObject }),
    metadata: { ...envelope, ...(actor && { personal: actor }) },
  };
}

function sealed(
  fields: object | undefined,
  keys: KeyRing,
  subject: string | undefined,
  place: SealedPlace,
): SealedPart | object | undefined {
  if (!fields || subject === undefined) return fields;
  const key = keys.get(subject);
  if (!key) throw new SubjectKeyMissing(subject);
  return key === 'erased' ? undefined : sealPart(fields, key, subject, place);
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

/** What can't be opened stays as it is, what was erased is absent. */
export function openedEvent<E extends Pick<EventToAppend, 'id' | 'personal' | 'metadata'>>(
  event: E,
  keys: KeyRing,
  open: typeof openPart,
): E {
  const { id: eventId, personal, metadata } = event;
  if (!isSealed(personal) && !isSealed(metadata.personal)) return event;
  // Whole copies: taking members out of them while copying takes the engine ten times as long.
  const copy = { ...event, metadata: { ...metadata } };
  replace(copy, tried(personal, keys, open, { eventId, part: 'event' }));
  replace(copy.metadata, tried(metadata.personal, keys, open, { eventId, part: 'metadata' }));
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
