import type { DomainEvent, EventMap } from '../event-store/index.js';

/** A relationship as SpiceDB writes it, in three parts: `workspace:W`, `admin`, `user:U` or `group:G#member`. */
export interface Tuple {
  readonly resource: string;
  readonly relation: string;
  readonly subject: string;
}

/** What an event does to the sources of tuples. */
export type SourceChange =
  | { readonly want: Tuple; readonly source: string; readonly until?: string | null }
  | { readonly end: Tuple; readonly source: string }
  /** Every source of the tuple. */
  | { readonly endTuple: Tuple }
  /** Every tuple of the resource and of its parts, every tuple that names it as subject, and what it is the holder of. */
  | { readonly endObject: string }
  /** Every tuple of the subject in the tenant, and every source that it is the holder of, but for sources with the prefix. */
  | { readonly endSubject: string; readonly tenantId: string; readonly exceptSourcePrefix: string }
  /** Nothing of the subject is wanted any more, in no tenant, and nothing that comes to want it changes that. */
  | { readonly suspend: string }
  /** What comes to want something of the subject counts again; what was withdrawn waits for its `restore`. */
  | { readonly reinstate: string }
  /** The first tuples of the subject that are still withdrawn in the tenant, or in none, are wanted again. */
  | { readonly restore: string; readonly tenantId: string | null; readonly most: number }
  /** What was parked is settled; with a tuple, its present state is delivered again. */
  | { readonly settle: string; readonly as: 'retried' | 'discarded'; readonly by: string; readonly resend?: string }
  /** From here on the tenant yields only deletes. */
  | { readonly closeTenant: string };

export type RelationshipMap<E extends DomainEvent> = EventMap<E, readonly SourceChange[]>;

/** The explicit answer of events that change no relationship. */
export const none = (): readonly SourceChange[] => [];

/** The source of a tuple that is there because of what somebody holds, and ends with it. */
export function heldBy(holder: string, source: string): string {
  return `${holder} ${source}`;
}

/** Who holds what a source stands for; undefined where nobody does. */
export function holderOf(source: string): string | undefined {
  const end = source.indexOf(' ');
  return end < 0 ? undefined : source.slice(0, end);
}

/** The id of what an object is a part of, such as `W` for `role_binding:W/R`; undefined for what is no part. */
export function wholeOf(object: string): string | undefined {
  const end = object.indexOf('/');
  return end < 0 ? undefined : object.slice(object.indexOf(':') + 1, end);
}

export function idOf(object: string): string {
  return object.slice(object.indexOf(':') + 1);
}

export function tupleKey({ resource, relation, subject }: Tuple): string {
  return `${resource}#${relation}@${subject}`;
}

export function parseTuple(key: string): Tuple {
  const match = /^([^#@]+)#([^#@]+)@(.+)$/.exec(key);
  if (!match) throw new Error(`"${key}" is no relationship`);
  return { resource: match[1]!, relation: match[2]!, subject: match[3]! };
}
