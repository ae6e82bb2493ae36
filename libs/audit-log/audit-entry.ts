import { hash } from 'node:crypto';
import type { DomainEvent, EventMap, StoredEvent } from '../event-store/index.js';
import { canonicalJson } from '../platform/index.js';

export interface AuditFields {
  /** Past tense with its noun: `tenant.renamed`. */
  action: string;
  resource: { type: string; id: string };
  old?: Readonly<Record<string, unknown>>;
  new?: Readonly<Record<string, unknown>>;
}
export type AuditMap<E extends DomainEvent> = EventMap<E, AuditFields>;

export const SYSTEM_CHAIN = 'system';
/** What the first entry of a chain follows. */
export const GENESIS = '0'.repeat(64);

export function chainOf({ metadata }: Pick<StoredEvent, 'metadata'>): string {
  return metadata.tenantId ?? SYSTEM_CHAIN;
}

/** RFC 8785 form of an event as it is stored; what is encrypted in it stays so. */
export function canonicalEvent({ id, stream, revision, type, data, personal, metadata }: StoredEvent): string {
  return canonicalJson({ id, stream, revision, type, data, metadata, ...(personal && { personal }) });
}

/** SHA-256 over the entry before, the place in the chain and the event; 64 hex digits. */
export function chainHash(previous: string, chain: string, sequence: number, event: string): string {
  return hash('sha256', `${previous}\n${chain}\n${sequence}\n${event}`, 'hex');
}
