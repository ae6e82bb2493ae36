import type { ClientBase } from 'pg';
import { isSealed, type KeyRing, OpenedParts, type SubjectKeys } from '../personal-data/index.js';
import type { DomainEvent, Recorded, SubjectMap, Upcaster } from './domain-event.js';
import type { EventToAppend, StoredEvent } from './event-log.js';
import { principalOf } from './event-metadata.js';
import {
  openedPart,
  openedParts,
  type PersonalParts,
  RecordedSealed,
  sealedEvent,
  toBeSealed,
  withParts,
} from './personal-parts.js';

/** The stored event names of one noun, each with one sentence for the catalogue. */
export interface EventFamily<E extends DomainEvent = DomainEvent> {
  readonly name: string;
  readonly types: { readonly [T in E['type']]: string };
  /** Whose personal fields are; those of the principal who acts where an event type is not named. */
  readonly subjects?: SubjectMap<E>;
  /** Whose key an event destroys. */
  readonly erases?: { readonly [T in E['type']]?: (event: Extract<E, { type: T }>) => string };
  /** Old stored name → today's event. */
  readonly upcasters?: Readonly<Record<string, Upcaster>>;
}
type SubjectOf = (event: DomainEvent) => string;
type PersonalEvent = Pick<StoredEvent, 'id' | 'personal' | 'metadata'>;

/** Turns a stored event into what today's code knows. @throws UnknownEventType */
export type Decode = (stored: StoredEvent) => Recorded;

export class UnknownEventType extends Error {
  override readonly name = 'UnknownEventType';
  constructor(readonly type: string) {
    super(`no event family knows the stored type "${type}"; run a version of Countersign that does`);
  }
}

const NO_KEYS: KeyRing = new Map();

/**
 * Knows every stored name this version reads: today's and, through upcasters, all earlier ones. Seals personal fields
 * where it is given keys, and opens them where it has the key.
 */
export class EventRegistry {
  private readonly current = new Map<string, EventFamily>();
  private readonly upcasters = new Map<string, Upcaster>();
  private readonly subjects = new Map<string, SubjectOf>();
  private readonly erasing = new Map<string, SubjectOf>();
  private readonly opened = new OpenedParts();

  constructor(
    readonly families: readonly EventFamily[],
    private readonly keys?: SubjectKeys,
  ) {
    keys?.onErasure(() => this.opened.forgetAll());
    for (const family of families) {
      for (const type of Object.keys(family.types)) this.add(type, family);
      for (const [type, upcast] of Object.entries(family.upcasters ?? {})) this.addUpcaster(type, upcast);
      for (const [type, subject] of Object.entries(family.subjects ?? {}))
        this.subjects.set(type, subject as SubjectOf);
      for (const [type, subject] of Object.entries(family.erases ?? {})) this.erasing.set(type, subject as SubjectOf);
    }
  }

  get types(): string[] {
    return [...this.current.keys()].sort();
  }

  /** @throws UnknownEventType for an event that could be stored, and not be read again */
  requireKnown(events: readonly DomainEvent[]): void {
    for (const { type } of events) if (!this.current.has(type)) throw new UnknownEventType(type);
  }

  /** Without personal fields that are sealed. @throws UnknownEventType */
  readonly decode: Decode = (stored) => this.decodeWith(stored, NO_KEYS);

  /**
   * Loads the keys that events need, so that each can then be decoded at once. Whoever is erased by one of the events
   * has no personal fields in any of them: whatever the events are read with, the rows made of them end up the same.
   * @param client reads the keys as they are in its snapshot; else they are those of now
   */
  async decoderOf(events: readonly StoredEvent[], client?: Pick<ClientBase, 'query'>): Promise<Decode> {
    const erased = this.erasedBy(events);
    if (!client) this.keys?.forget(erased);
    const subjects = new Set<string>();
    for (const { personal } of events) if (isSealed(personal)) subjects.add(personal.subject);
    if (erased.length === 0 && subjects.size === 0) return this.decode;
    const keys = new Map(client ? await this.keys?.stored([...subjects], client) : await this.keys?.toOpen(subjects));
    for (const subject of erased) keys.set(subject, 'erased');
    return (stored) => this.decodeWith(stored, keys);
  }

  /** Subjects whose keys the events destroy. */
  erasedBy(events: readonly StoredEvent[]): string[] {
    const erased: string[] = [];
    for (const event of events) {
      const subject = this.erasing.get(event.type)?.(event);
      if (subject !== undefined) erased.push(subject);
    }
    return erased;
  }

  /** The events as they are to be stored; without the personal fields of whoever is erased. */
  async seal(events: readonly EventToAppend[]): Promise<EventToAppend[]> {
    const { keys } = this;
    if (!keys) return [...events];
    const whose = events.map((event) => ({
      actor: toBeSealed(event.metadata.personal) ? principalOf(event.metadata.actor) : undefined,
      own: toBeSealed(event.personal) ? this.subjectOf(event) : undefined,
    }));
    const subjects = whose.flatMap(({ actor, own }) => [actor, own]).filter((subject) => subject !== undefined);
    const ring = await keys.toSeal(new Set(subjects));
    return events.map((event, index) => sealedEvent(event, whose[index]!, ring, this.opened.seal));
  }

  /** Stored events with their personal fields; what was erased is absent, and what can't be opened stays sealed. */
  async open<E extends PersonalEvent>(events: readonly E[]): Promise<E[]> {
    const parts = await this.openParts(events);
    return events.map((event, index) => withParts(event, parts[index]!));
  }

  /** The same for who needs only those. */
  async openParts(events: readonly PersonalEvent[]): Promise<PersonalParts[]> {
    const subjects = new Set<string>();
    for (const { personal, metadata } of events) {
      if (isSealed(personal)) subjects.add(personal.subject);
      if (isSealed(metadata.personal)) subjects.add(metadata.personal.subject);
    }
    const keys = (await this.keys?.toOpen(subjects)) ?? NO_KEYS;
    return events.map((event) => openedParts(event, keys, this.opened.open));
  }

  private decodeWith(stored: StoredEvent, keys: KeyRing): Recorded {
    if (stored.personal === undefined && this.current.has(stored.type)) return stored;
    const { type, data, personal } = this.upcast(stored, keys);
    const { id, stream, revision, position, metadata } = stored;
    if (!isSealed(personal)) {
      const clear = personal && keys !== NO_KEYS && this.isErased(stored, keys) ? undefined : personal;
      return { type, data, ...(clear && { personal: clear }), id, stream, revision, position, metadata };
    }
    if (keys === NO_KEYS || keys.get(personal.subject) === 'erased') {
      return { type, data, id, stream, revision, position, metadata };
    }
    return new RecordedSealed({ type, data, personal, id, stream, revision, position, metadata }, keys);
  }

  private upcast(stored: StoredEvent, keys: KeyRing): DomainEvent {
    if (this.current.has(stored.type)) return stored;
    const readable = keys !== NO_KEYS || !isSealed(stored.personal);
    let event: DomainEvent = {
      ...stored,
      personal: readable ? openedPart(stored.personal, stored.id, keys) : undefined,
    };
    for (let steps = 0; !this.current.has(event.type); steps++) {
      const upcast = this.upcasters.get(event.type);
      if (!upcast || steps > this.upcasters.size) throw new UnknownEventType(stored.type);
      event = upcast({ ...stored, ...event } as StoredEvent);
    }
    return event;
  }

  /** Of an event that was stored before personal fields were sealed. */
  private isErased(stored: StoredEvent, keys: KeyRing): boolean {
    return keys.get(this.subjectOf(stored)) === 'erased';
  }

  private subjectOf(event: EventToAppend): string {
    return this.subjects.get(event.type)?.(event) ?? principalOf(event.metadata.actor);
  }

  private add(type: string, family: EventFamily): void {
    if (!/^[a-z]+(-[a-z]+)*\.v[1-9]\d*$/.test(type)) throw new Error(`"${type}" is no stored event name`);
    if (this.current.has(type)) throw new Error(`the event type "${type}" is registered twice`);
    this.current.set(type, family);
  }

  private addUpcaster(type: string, upcast: Upcaster): void {
    if (this.current.has(type) || this.upcasters.has(type)) throw new Error(`"${type}" is registered twice`);
    this.upcasters.set(type, upcast);
  }
}
