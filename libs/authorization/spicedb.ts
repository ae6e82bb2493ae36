import { InterceptingCall, type Interceptor, status } from '@grpc/grpc-js';
import { v1 } from '@authzed/authzed-node';
import { systemClock } from '../platform/core.js';
import { toCheckRequest, toUpdate } from './spicedb-requests.js';

export interface SpiceDbOptions {
  /** host:port */
  endpoint: string;
  presharedKey: string;
  tls: boolean;
  /** PEM. */
  ca?: string;
  /** Of every call but long exports; 10 s unless told. */
  timeoutMs?: number;
}

/** A relationship as one text, with its end: `workspace:W#admin@user:U`. */
export interface Update {
  operation: 'touch' | 'delete';
  tuple: string;
  /** ISO 8601 UTC; null for no end. */
  expiresAt: string | null;
}
export interface Relationship {
  tuple: string;
  expiresAt: string | null;
}
export interface Check {
  resource: string;
  permission: string;
  subject: string;
}
/** Full: as of now. A token: at least as fresh as the write that answered with it. */
export type Freshness = { full: true } | { atLeast: string } | { fastest: true };

/** SpiceDB could not be asked, or did not say what it did: the same call may be repeated. */
export class SpiceDbUnavailable extends Error {
  override readonly name = 'SpiceDbUnavailable';
}
/** SpiceDB will never accept this call as it is. */
export class SpiceDbRefused extends Error {
  override readonly name = 'SpiceDbRefused';
  constructor(
    message: string,
    readonly code: number,
  ) {
    super(message);
  }
}

const PERMANENT = new Set<number>([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
]);
const HAS_PERMISSION = v1.CheckPermissionResponse_Permissionship.HAS_PERMISSION;
const PAGE = 1_000;

export class SpiceDb {
  private readonly client: v1.ZedClientInterface;
  private requireFilled: () => Promise<void> = async () => undefined;

  constructor(private readonly options: SpiceDbOptions) {
    const { endpoint, presharedKey, tls, ca, timeoutMs = 10_000 } = options;
    const grpcOptions = {
      interceptors: [deadline(timeoutMs)],
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 3_000,
      'grpc.max_reconnect_backoff_ms': 1_000,
    };
    this.client = ca
      ? v1.NewClientWithCustomCert(presharedKey, endpoint, Buffer.from(ca), undefined, grpcOptions)
      : v1.NewClient(
          presharedKey,
          endpoint,
          tls ? v1.ClientSecurity.SECURE : v1.ClientSecurity.INSECURE_PLAINTEXT_CREDENTIALS,
          undefined,
          grpcOptions,
        );
  }

  /** @param requireFilled called before an answer that is no, or nothing, to anything: what it rejects with is the answer */
  beforeNo(requireFilled: () => Promise<void>): void {
    this.requireFilled = requireFilled;
  }

  /**
   * Writes all updates, or none where one of them is refused or a precondition does not hold.
   * @returns a ZedToken at which the write is visible
   * @throws SpiceDbRefused (code FAILED_PRECONDITION where a precondition does not hold), SpiceDbUnavailable
   */
  async write(updates: readonly Update[], preconditions: readonly v1.Precondition[] = []): Promise<string> {
    const request = v1.WriteRelationshipsRequest.create({
      updates: updates.map(toUpdate),
      optionalPreconditions: [...preconditions],
    });
    const { writtenAt } = await this.call(() => this.client.promises.writeRelationships(request));
    return writtenAt?.token ?? '';
  }

  async check(check: Check, freshness: Freshness): Promise<boolean> {
    const request = v1.CheckPermissionRequest.create({ ...toCheckRequest(check), consistency: consistency(freshness) });
    const { permissionship } = await this.call(() => this.client.promises.checkPermission(request));
    const held = permissionship === HAS_PERMISSION;
    if (!held) await this.requireFilled();
    return held;
  }

  /**
   * One answer per check, in their order. One that SpiceDB will never answer, as of a permission that its schema lacks, is
   * denied.
   * @throws SpiceDbUnavailable where one of them could not be answered now
   */
  async checkAll(checks: readonly Check[], freshness: Freshness): Promise<boolean[]> {
    if (checks.length === 0) return [];
    // SpiceDB answers a single one faster than a list of one.
    if (checks.length === 1) return [await this.checkAlone(checks[0]!, freshness)];
    const request = v1.CheckBulkPermissionsRequest.create({
      items: checks.map((check) => v1.CheckBulkPermissionsRequestItem.create(toCheckRequest(check))),
      consistency: consistency(freshness),
    });
    const { pairs } = await this.call(() => this.client.promises.checkBulkPermissions(request));
    const answers = pairs.map(({ response }) => {
      if (response.oneofKind === 'item') return response.item.permissionship === HAS_PERMISSION;
      if (response.oneofKind === 'error' && PERMANENT.has(response.error.code)) return false;
      throw this.unavailable(response.oneofKind === 'error' ? response.error.message : 'a check was not answered');
    });
    return this.believed(answers);
  }

  private async checkAlone(check: Check, freshness: Freshness): Promise<boolean> {
    try {
      return await this.check(check, freshness);
    } catch (error) {
      if (!(error instanceof SpiceDbRefused)) throw error;
      await this.requireFilled();
      return false;
    }
  }

  private async believed(answers: boolean[]): Promise<boolean[]> {
    if (!answers.includes(true)) await this.requireFilled();
    return answers;
  }

  /** Ids of the resources of a type on which the subject has the permission. */
  async lookupResources(type: string, permission: string, subject: string, freshness: Freshness): Promise<string[]> {
    const [subjectType, subjectId] = subject.split(':') as [string, string];
    const request = v1.LookupResourcesRequest.create({
      resourceObjectType: type,
      permission,
      subject: { object: { objectType: subjectType, objectId: subjectId } },
      consistency: consistency(freshness),
    });
    const found = await this.call(() => this.client.promises.lookupResources(request));
    if (found.length === 0) await this.requireFilled();
    return found.map(({ resourceObjectId }) => resourceObjectId);
  }

  /** Every relationship of the resource type, as of now. */
  async *readAll(resourceType: string, resourceId?: string): AsyncGenerator<Relationship[]> {
    let cursor: v1.Cursor | undefined;
    let full = true;
    while (full) {
      const request = v1.ReadRelationshipsRequest.create({
        relationshipFilter: { resourceType, ...(resourceId !== undefined && { optionalResourceId: resourceId }) },
        consistency: consistency({ full: true }),
        optionalLimit: PAGE,
        ...(cursor && { optionalCursor: cursor }),
      });
      const page = await this.call(() => this.client.promises.readRelationships(request));
      cursor = page.at(-1)?.afterResultCursor;
      full = page.length === PAGE && cursor !== undefined;
      if (page.length > 0) yield page.map(({ relationship }) => toRelationship(relationship!));
    }
  }

  /** @throws SpiceDbRefused when a removed relation is still in use */
  async writeSchema(schema: string): Promise<void> {
    await this.call(() => this.client.promises.writeSchema(v1.WriteSchemaRequest.create({ schema })));
  }

  /** The live schema, in SpiceDB's own order; undefined when none was written. */
  async readSchema(): Promise<string | undefined> {
    try {
      const { schemaText } = await this.call(() => this.client.promises.readSchema(v1.ReadSchemaRequest.create({})));
      return schemaText;
    } catch (error) {
      if (error instanceof SpiceDbRefused && error.code === status.NOT_FOUND) return undefined;
      throw error;
    }
  }

  close(): void {
    this.client.close();
  }

  private async call<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      const { code, details } = error as { code?: number; details?: string };
      const message = details || (error as Error).message;
      if (code !== undefined && PERMANENT.has(code)) throw new SpiceDbRefused(message, code);
      throw this.unavailable(message, error);
    }
  }

  private unavailable(message: string, cause?: unknown): SpiceDbUnavailable {
    return new SpiceDbUnavailable(`SpiceDB at ${this.options.endpoint}: ${message}`, { cause });
  }
}

function deadline(timeoutMs: number): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall({ deadline: new Date(systemClock.now().getTime() + timeoutMs), ...options }));
}

function consistency(freshness: Freshness): v1.Consistency {
  if ('atLeast' in freshness) {
    return v1.Consistency.create({
      requirement: { oneofKind: 'atLeastAsFresh', atLeastAsFresh: { token: freshness.atLeast } },
    });
  }
  return v1.Consistency.create({
    requirement:
      'full' in freshness
        ? { oneofKind: 'fullyConsistent', fullyConsistent: true }
        : { oneofKind: 'minimizeLatency', minimizeLatency: true },
  });
}

function toRelationship({ resource, relation, subject, optionalExpiresAt }: v1.Relationship): Relationship {
  const userset = subject!.optionalRelation ? `#${subject!.optionalRelation}` : '';
  const { objectType, objectId } = subject!.object!;
  const expiresAt = optionalExpiresAt
    ? new Date(Number(optionalExpiresAt.seconds) * 1_000 + Math.floor(optionalExpiresAt.nanos / 1e6)).toISOString()
    : null;
  const tuple = `${resource!.objectType}:${resource!.objectId}#${relation}@${objectType}:${objectId}${userset}`;
  return { tuple, expiresAt };
}
