import type { v1 } from '@authzed/authzed-node';
import { type Relationship, type SpiceDb, SpiceDbRefused, type Update } from '../../libs/authorization/index.js';
import { parseTuple } from '../../libs/outbox/index.js';

const INVALID_ARGUMENT = 3;
const FAILED_PRECONDITION = 9;
const MOST_UPDATES = 1_000;
const MUST_MATCH: v1.Precondition_Operation.MUST_MATCH = 2;

/** What relations a schema has: `workspace#admin` → `user`, `user with expiration`, `group#member`, … */
function relationsOf(schema: string): Map<string, Set<string>> {
  const relations = new Map<string, Set<string>>();
  for (const [, type, body] of schema.matchAll(/definition (\w+) \{([^}]*)\}/g)) {
    for (const [, name, subjects] of body!.matchAll(/relation (\w+): (.+)/g)) {
      relations.set(`${type}#${name}`, new Set(subjects!.split('|').map((subject) => subject.trim())));
    }
  }
  return relations;
}

/** Relationships, in memory, as SpiceDB keeps them. */
export class SimulatedSpiceDb {
  /** Tuple → its end; null for none. Those past their end are still here, and nobody sees them. */
  readonly relationships = new Map<string, string | null>();
  private revision = 0;
  private readonly relations: Map<string, Set<string>>;

  constructor(
    readonly schema: string,
    private readonly now: () => Date,
    private readonly rules: {
      /** Tuples that can't be written, though the schema knows them. */
      refuses?: (tuple: string) => boolean;
      /** A store that is not what we need. */
      ignoresPreconditions?: boolean;
    } = {},
  ) {
    this.relations = relationsOf(schema);
  }

  /** @throws SpiceDbRefused */
  write(updates: readonly Update[], preconditions: readonly v1.Precondition[]): string {
    if (updates.length > MOST_UPDATES) throw new SpiceDbRefused('too many updates', INVALID_ARGUMENT);
    if (new Set(updates.map(({ tuple }) => tuple)).size < updates.length) {
      throw new SpiceDbRefused('found more than one update for one relationship', INVALID_ARGUMENT);
    }
    for (const update of updates) this.check(update);
    if (!this.rules.ignoresPreconditions) this.require(preconditions);
    for (const { operation, tuple, expiresAt } of updates) {
      if (operation === 'delete') this.relationships.delete(tuple);
      else this.relationships.set(tuple, expiresAt && new Date(expiresAt).toISOString());
    }
    return `revision-${++this.revision}`;
  }

  /** @throws SpiceDbRefused */
  read(type: string, id?: string): Relationship[] {
    const prefix = id === undefined ? `${type}:` : `${type}:${id}#`;
    if (![...this.relations.keys()].some((relation) => relation.startsWith(`${type}#`)) && type !== 'user') {
      throw new SpiceDbRefused(`object definition \`${type}\` not found`, FAILED_PRECONDITION);
    }
    const found = [...this.relationships].filter(([tuple, end]) => tuple.startsWith(prefix) && this.isLive(end));
    return found.map(([tuple, expiresAt]) => ({ tuple, expiresAt })).sort((a, b) => (a.tuple < b.tuple ? -1 : 1));
  }

  private isLive(end: string | null): boolean {
    return end === null || Date.parse(end) > this.now().getTime();
  }

  private check({ operation, tuple, expiresAt }: Update): void {
    const { resource, relation, subject } = parseTuple(tuple);
    const type = resource.split(':', 1)[0]!;
    const allowed = this.relations.get(`${type}#${relation}`);
    if (!allowed) throw new SpiceDbRefused(`relation \`${type}#${relation}\` not found`, FAILED_PRECONDITION);
    const [subjectType, userset] = [subject.split(':', 1)[0]!, subject.split('#')[1]];
    const anybody = subject === `${subjectType}:*`;
    const shown = anybody ? subject : userset === undefined ? subjectType : `${subjectType}#${userset}`;
    const wanted = operation === 'touch' && expiresAt !== null ? `${shown} with expiration` : shown;
    if (!allowed.has(wanted)) {
      throw new SpiceDbRefused(`subjects of type \`${wanted}\` are not allowed`, INVALID_ARGUMENT);
    }
    if (operation === 'touch' && this.rules.refuses?.(tuple)) {
      throw new SpiceDbRefused(`\`${tuple}\` is refused`, INVALID_ARGUMENT);
    }
  }

  private require(preconditions: readonly v1.Precondition[]): void {
    for (const { operation, filter } of preconditions) {
      const { resourceType, optionalResourceId, optionalRelation, optionalSubjectFilter: about } = filter!;
      const matches = this.read(resourceType, optionalResourceId || undefined).some(({ tuple }) => {
        const { relation, subject } = parseTuple(tuple);
        return (
          (!optionalRelation || relation === optionalRelation) &&
          (!about || subject === `${about.subjectType}:${about.optionalSubjectId}`)
        );
      });
      if (matches !== (operation === MUST_MATCH)) {
        throw new SpiceDbRefused('unable to satisfy write precondition', FAILED_PRECONDITION);
      }
    }
  }
}

/** Does what a client asks of SpiceDB: at once, or after whatever the way there brings. */
export type CarryToSpiceDb = <T>(label: string, isWrite: boolean, effect: () => T) => Promise<T>;

/** A client of it: what the relay and the checker use of one. */
export function simulatedSpiceDbClient(
  store: SimulatedSpiceDb,
  carry: CarryToSpiceDb = async (_label, _isWrite, effect) => effect(),
): SpiceDb {
  const client: Pick<SpiceDb, 'write' | 'readAll' | 'close'> = {
    write: (updates, preconditions = []) =>
      carry(`write ${updates.map(shortly).join(' ')}`, true, () => store.write(updates, preconditions)),
    async *readAll(type, id) {
      const page = await carry(`read ${type}${id === undefined ? '' : `:${id}`}`, false, () => store.read(type, id));
      if (page.length > 0) yield page;
    },
    close: () => undefined,
  };
  return client as SpiceDb;
}

function shortly({ operation, tuple }: Update): string {
  return `${operation === 'touch' ? '+' : '-'}${tuple}`;
}
