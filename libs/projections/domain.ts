import { type AuditMapping, fallbackFields } from '../audit-log/index.js';
import { EventRegistry, type Recorded } from '../event-store/index.js';
import type { SubjectKeys } from '../personal-data/index.js';
import type { SourceMapping } from '../outbox/index.js';
import type { DomainPart, Noun, Process } from './noun.js';
import type { ReadModel } from './read-model.js';

/** Every noun, read model and process of the product, checked to be complete when it is put together. */
export class Domain {
  readonly registry: EventRegistry;
  readonly readModels: readonly ReadModel[];
  readonly processes: readonly Process[];
  /** Source changes of an event; throws where an event type has no handler. */
  readonly relationships: SourceMapping;
  readonly audit: AuditMapping;

  /** @param keys without them personal fields are stored in clear, and sealed ones are not read */
  constructor(parts: readonly DomainPart[], keys?: SubjectKeys) {
    const nouns = parts.flatMap((part) => part.nouns);
    this.registry = new EventRegistry(nouns, keys);
    this.readModels = parts.flatMap((part) => part.readModels);
    this.processes = parts.flatMap((part) => part.processes);
    const relationships = new Map(nouns.flatMap((noun) => Object.entries(noun.relationships)));
    const audit = new Map(nouns.flatMap((noun) => Object.entries(noun.audit)));
    this.refuseGaps(relationships, audit);
    this.refuseMemory(nouns);
    this.relationships = (event) => relationships.get(event.type)!(event as Recorded<never>);
    this.audit = (event) => {
      const decoded = this.registry.decode(event);
      return audit.get(decoded.type)?.(decoded as Recorded<never>) ?? fallbackFields(event);
    };
  }

  private refuseGaps(...handlers: readonly ReadonlyMap<string, unknown>[]): void {
    const missing = this.registry.types.filter((type) => handlers.some((map) => !map.has(type)));
    if (missing.length > 0) throw new Error(`event types without a handler: ${missing.join(', ')}`);
    const known = new Set(this.registry.types);
    const models = this.readModels.flatMap(({ changes }) => Object.keys(changes));
    const processes = this.processes.flatMap(({ followUps }) => Object.keys(followUps));
    const unknown = [...models, ...processes].filter((type) => !known.has(type));
    if (unknown.length > 0) throw new Error(`handlers of unknown event types: ${unknown.join(', ')}`);
  }

  /** What a read model has of a person goes with the person: it reads erasures where it reads personal events. */
  private refuseMemory(nouns: readonly Noun[]): void {
    const personal = nouns.flatMap(({ subjects = {} }) => Object.keys(subjects));
    const erasures = nouns.flatMap(({ erases = {} }) => Object.keys(erases));
    const keeping = this.readModels.filter(({ changes }) => {
      return personal.some((type) => type in changes) && !erasures.every((type) => type in changes);
    });
    const names = keeping.map(({ name }) => name);
    if (names.length > 0) throw new Error(`read models that do not forget who is erased: ${names.join(', ')}`);
  }
}
