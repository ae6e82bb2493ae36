import type { StoredEvent } from './event-log.js';
import type { DomainEvent, Recorded, Upcaster } from './domain-event.js';

/** The stored event names of one noun, each with one sentence for the catalogue. */
export interface EventFamily<E extends DomainEvent = DomainEvent> {
  readonly name: string;
  readonly types: { readonly [T in E['type']]: string };
  /** Old stored name → today's event. */
  readonly upcasters?: Readonly<Record<string, Upcaster>>;
}

export class UnknownEventType extends Error {
  override readonly name = 'UnknownEventType';
  constructor(readonly type: string) {
    super(`no event family knows the stored type "${type}"; run a version of Countersign that does`);
  }
}

/** Knows every stored name this version reads: today's and, through upcasters, all earlier ones. */
export class EventRegistry {
  private readonly current = new Map<string, EventFamily>();
  private readonly upcasters = new Map<string, Upcaster>();

  constructor(readonly families: readonly EventFamily[]) {
    for (const family of families) {
      for (const type of Object.keys(family.types)) this.add(type, family);
      for (const [type, upcast] of Object.entries(family.upcasters ?? {})) this.addUpcaster(type, upcast);
    }
  }

  get types(): string[] {
    return [...this.current.keys()].sort();
  }

  /** @throws UnknownEventType */
  decode(stored: StoredEvent): Recorded {
    const { type, data, personal } = this.upcast(stored);
    const { id, stream, revision, position, metadata } = stored;
    return { type, data, ...(personal && { personal }), id, stream, revision, position, metadata };
  }

  private upcast(stored: StoredEvent): DomainEvent {
    if (this.current.has(stored.type)) return stored;
    let event: DomainEvent = stored;
    for (let steps = 0; !this.current.has(event.type); steps++) {
      const upcast = this.upcasters.get(event.type);
      if (!upcast || steps > this.upcasters.size) throw new UnknownEventType(stored.type);
      event = upcast({ ...stored, ...event } as StoredEvent);
    }
    return event;
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
