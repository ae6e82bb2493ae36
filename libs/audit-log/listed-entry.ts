import type { ActorDetails, PersonalParts, StoredEvent } from '../event-store/index.js';
import { isSealed } from '../personal-data/index.js';
import type { ListedAuditEntry } from './audit-documents.js';
import { withoutSecrets } from './audit-rendering.js';
import type { EntryRow } from './find-entries.js';
import { personKey } from './names-of.js';

type ShownEvent = Pick<StoredEvent, 'id' | 'personal' | 'metadata'>;
/** Of an entry whose text is no event. */
const NOTHING = {} as StoredEvent['metadata'];

export interface OpenedEntry {
  metadata: ShownEvent['metadata'];
  actor: ActorDetails;
  personal: object | null;
  erased: boolean;
}

/** What can't be opened, because somebody has tampered with it, is not shown; whether it was is up to the hashes. */
export function openedEntry(stored: ShownEvent, { actor, personal }: PersonalParts): OpenedEntry {
  const { metadata } = stored;
  const gone = (before: unknown, now: unknown): boolean => isSealed(before) && now === undefined;
  return {
    metadata,
    actor: !actor || isSealed(actor) ? {} : actor,
    personal: personal && !isSealed(personal) ? (withoutSecrets(personal) as object) : null,
    erased: gone(metadata.personal, actor) || gone(stored.personal, personal),
  };
}

export function listedEntry(
  row: EntryRow,
  { metadata, actor, personal, erased }: OpenedEntry,
  names: ReadonlyMap<string, string>,
): ListedAuditEntry {
  const { actorName = null, ip = null, userAgent = null } = actor;
  const person = metadata.actor?.onBehalfOf;
  const onBehalfOf = person && { ...person, displayName: names.get(personKey(person)) ?? null };
  return {
    sequence: row.sequence,
    at: row.at,
    action: row.action,
    actor: { type: row.actor_type, id: row.actor_id, displayName: actorName, ...(onBehalfOf && { onBehalfOf }) },
    resource: { type: row.resource_type, id: row.resource_id },
    oldValues: row.old_values,
    newValues: row.new_values,
    ip,
    userAgent,
    personal,
    erased,
    correlationId: row.correlation_id,
    causationId: metadata.causationId ?? null,
    commandId: row.command_id,
    eventId: row.event_id,
    position: row.position,
    hash: row.hash,
  };
}

/** An entry that somebody has tampered with is shown as far as it can be. */
export function storedEvent(text: string): ShownEvent {
  try {
    const { id = '', personal, metadata } = JSON.parse(text) as Partial<ShownEvent>;
    return { id, personal, metadata: metadata ?? NOTHING };
  } catch {
    return { id: '', metadata: NOTHING };
  }
}
