import type { SealedPart } from '../personal-data/index.js';

/** Who acts. `process` is this system completing what a person began; `service_account` and `user` are principals. */
export interface Actor {
  type: 'user' | 'service_account' | 'process' | 'system';
  /** ULID of the principal, or the name of the process: `tenant-deletion`, `importer`. */
  id: string;
  /** The principal for whom a process acts. */
  onBehalfOf?: { type: 'user' | 'service_account' | 'system'; id: string };
}

/** The only partition of the log in this version; what is stored has room for more. */
export const PARTITION = 0;

export interface EventMetadata {
  /** `null` for what belongs to the installation, not to a tenant. */
  tenantId: string | null;
  partition: number;
  actor: Actor;
  /** How the actor proved who it is: `oidc`, `token`, `api-key`, `admin-token`, `process`, `operator`. */
  authentication: string;
  correlationId: string;
  /** Id of the event that caused this one; `null` for a direct command. */
  causationId: string | null;
  commandId: string;
  /** W3C trace context of what appended it; absent where that was not traced. */
  traceparent?: string;
  /** ISO 8601 UTC. */
  at: string;
  /** Personal fields of the actor, as they were at the time; sealed as they are stored, unless they were opened. */
  personal?: ActorDetails | SealedPart;
}

export interface ActorDetails {
  actorName?: string;
  ip?: string;
  userAgent?: string;
}

/** The principal who acts, or for whom a process does: `user:01J…`. */
export function principalOf({ type, id, onBehalfOf }: Actor): string {
  return onBehalfOf ? `${onBehalfOf.type}:${onBehalfOf.id}` : `${type}:${id}`;
}
