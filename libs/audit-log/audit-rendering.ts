import type { StoredEvent } from '../event-store/index.js';
import { isSealed } from '../personal-data/index.js';
import type { AuditFields } from './audit-entry.js';

/** Renders an event; throws where it can't be understood, which costs the entry its rendering but not itself. */
export type AuditMapping = (event: StoredEvent) => AuditFields;

/** What is shown of an event, in columns of its own beside the text that the hash covers. */
export interface Rendering {
  tenantId: string | null;
  action: string;
  resourceType: string;
  resourceId: string;
  actorType: string;
  actorId: string;
  /** ISO 8601 UTC. */
  at: string;
  oldValues: object | null;
  newValues: object | null;
  personal: object | null;
  correlationId: string;
  commandId: string;
}

/** Members that no rendering shows, at any depth. */
const SECRETS: ReadonlySet<string> = new Set(['hmac', 'secret']);

/** How an event that no family can render stands in the trail. */
export function fallbackFields({ type, stream }: StoredEvent): AuditFields {
  return { action: type, resource: { type: 'stream', id: stream } };
}

function render(event: StoredEvent, mapping: AuditMapping): AuditFields {
  try {
    const fields = mapping(event);
    if (isComplete(fields)) return fields;
  } catch {
    // falls through: it can't be understood
  }
  return fallbackFields(event);
}

/** Data that lack something make fields that do, without throwing. */
function isComplete({ action, resource }: AuditFields): boolean {
  return [action, resource.type, resource.id].every((text: unknown) => typeof text === 'string');
}

/** Personal fields of events that were stored before such fields were sealed; of all others the event's text has them. */
function personalOf({ personal, metadata }: StoredEvent): object | undefined {
  const clear = [metadata.personal, personal].filter((part) => part && !isSealed(part));
  return clear.length > 0 ? Object.assign({}, ...clear) : undefined;
}

export function renderingOf(event: StoredEvent, mapping: AuditMapping): Rendering {
  const { action, resource, old, new: now } = render(event, mapping);
  const { tenantId, actor, at, correlationId, commandId } = event.metadata;
  return {
    tenantId,
    action,
    resourceType: resource.type,
    resourceId: resource.id,
    actorType: actor.type,
    actorId: actor.id,
    at,
    oldValues: shown(old),
    newValues: shown(now),
    personal: shown(personalOf(event)),
    correlationId,
    commandId,
  };
}

/** Names of the columns in which two renderings differ. */
export function differingColumns(left: Rendering, right: Rendering): string[] {
  const columns = Object.keys(left) as (keyof Rendering)[];
  return columns.filter((column) => !isSame(column, left, right));
}

export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([name, member]) => member !== undefined && !SECRETS.has(name));
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutSecrets(member)]));
}

function shown(values: object | undefined): object | null {
  return values ? (withoutSecrets(values) as object) : null;
}

function isSame(column: keyof Rendering, left: Rendering, right: Rendering): boolean {
  if (column === 'at') return Date.parse(left.at) === Date.parse(right.at);
  return isSameJson(left[column], right[column]);
}

function isSameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every(
    (name) => Object.hasOwn(right, name) && isSameJson(left[name as keyof object], right[name as keyof object]),
  );
}
