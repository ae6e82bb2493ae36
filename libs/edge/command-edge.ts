import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { type CommandContext, DeciderRuntime, type EventLog } from '../event-store/index.js';
import { CLOCK, type Clock, derivedUlid, IDS, type Ids, normaliseUlid, Refused, traced } from '../platform/index.js';
import { Progress } from '../projections/index.js';
import { type Call, originOf, idempotencyKeyOf } from './call.js';
import { acceptedBefore, type Claim, claimCommand, type ClaimKey, hashCall, noteNothing } from './command-claim.js';
import { ConsistencyTokens } from './consistency-token.js';
import { principalOf, subjectOf } from './principal.js';
import { EVENT_LOG, POOL } from './injection-tokens.js';

/** What a command handler answers with. */
export interface Accepted<Resource extends object = object> {
  resource: Resource;
  /** Of the resource, not of its stream. */
  revision: number;
  /** Of the last event that followed. */
  position: number;
  /** Some of what follows is left to the relay. */
  unfinished?: boolean;
}
export type Answer<Resource extends object> = Resource & {
  revision: number;
  token: string;
  /** Whether the change was live, for queries and in SpiceDB, when this was answered. */
  effective: boolean;
};

/** An id that a repeat of the call mints again. */
export type Mint = (name: string) => string;
/** What the Idempotency-Key of a call stands for. */
interface Claimed {
  key: ClaimKey;
  nothingAt: number | null;
  /** Whether nobody sent the key before. */
  isFirst: boolean;
}
/** Builds the command of a call. */
export type MakeCommand = (context: CommandContext, mint: Mint) => object;

@Injectable()
export class CommandEdge {
  constructor(
    private readonly bus: CommandBus,
    private readonly tokens: ConsistencyTokens,
    private readonly progress: Progress,
    private readonly runtime: DeciderRuntime,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(IDS) private readonly ids: Ids,
  ) {}

  /** Sends the command of a call, and waits for its effect as long as the caller wants. */
  async run<Resource extends object>(call: Call, make: MakeCommand): Promise<Answer<Resource>> {
    const { answer } = await this.send<Resource>(call, make);
    return answer;
  }

  /** The same for what answers 204: everything is in the headers. */
  async runQuietly(call: Call, make: MakeCommand): Promise<void> {
    const { accepted } = await this.send(call, make);
    if (accepted.revision === 0) call.reply.removeHeader('etag');
    call.reply.status(204);
  }

  private async send<Resource extends object>(call: Call, make: MakeCommand) {
    const { context, claim } = await this.contextOf(call);
    const mint: Mint = (name) => derivedUlid(new Date(context.at), context.commandId, name);
    const command = make(context, mint);
    const accepted = await traced(`command ${command.constructor.name}`, {}, () =>
      this.once(claim, () => this.bus.execute<object, Accepted<Resource>>(command)),
    );
    const { resource, revision, position } = accepted;
    const { correlationId } = context;
    const reached = await this.progress.waitFor('delivered', position, call.waitMs);
    const effective = !accepted.unfinished && reached && !(await this.tokens.isParked({ position, correlationId }));
    const token = await this.tokens.issue({ position, correlationId });
    call.reply.header('ETag', `"${revision}"`).header('Consistency-Token', token);
    if (call.preferred) call.reply.header('Preference-Applied', `wait=${call.waitMs / 1_000}`);
    return { accepted, answer: { ...resource, revision, token, effective } };
  }

  /** A call that changed nothing when it first came changes nothing when it is repeated, whatever has changed since. */
  private async once<Result>(claim: Claimed | undefined, execute: () => Promise<Result>): Promise<Result> {
    if (!claim) return execute();
    const { key, isFirst, nothingAt } = claim;
    if (nothingAt !== null) return this.runtime.asItStood(nothingAt, execute);
    const { result, acted } = await this.runtime.watch(execute);
    if (isFirst && !acted) await noteNothing(this.pool, key, await this.log.head());
    return result;
  }

  /**
   * Lets a check of rights decide, but for a repeat of a call that was accepted: what that did may have taken the
   * caller's rights away, or the thing itself.
   */
  async permit(request: FastifyRequest, check: () => Promise<void>): Promise<void> {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof Refused) || !DENIALS.has(error.code) || !(await this.acceptedBefore(request))) throw error;
    }
  }

  /**
   * Answers a repeat of an accepted call whose thing can't be found any more as it was answered the first time.
   * @throws Refused `not-found` for any other call
   */
  async repeatQuietly(call: Call): Promise<void> {
    const place = await this.acceptedBefore(call.request);
    if (!place) throw new Refused('not-found');
    await this.progress.waitFor('delivered', place.position, call.waitMs);
    call.reply.status(204).header('Consistency-Token', await this.tokens.issue(place));
  }

  private async acceptedBefore(request: FastifyRequest) {
    const key = idempotencyKeyOf(request);
    return key === undefined ? undefined : acceptedBefore(this.pool, claimKey(request, key));
  }

  private async contextOf(call: Call): Promise<{ context: CommandContext; claim?: Claimed }> {
    const principal = principalOf(call.request);
    const { actorName, ip, userAgent } = { actorName: principal.name, ...originOf(call.request) };
    const { correlationId } = call;
    const own = { commandId: this.ids.uuid(), at: this.clock.now().toISOString(), correlationId };
    const { claimed, ...named } = await this.claimed(call, own);
    const context = {
      ...named,
      actor: { type: principal.type, id: principal.id },
      authentication: principal.authentication,
      causationId: null,
      personal: { ...(actorName && { actorName }), ...(ip && { ip }), ...(userAgent && { userAgent }) },
    };
    return { context, ...(claimed && { claim: claimed }) };
  }

  private async claimed(
    { request, idempotencyKey }: Call,
    own: Omit<Claim, 'nothingAt'>,
  ): Promise<Omit<Claim, 'nothingAt'> & { claimed?: Claimed }> {
    if (idempotencyKey === undefined) return own;
    const key = claimKey(request, idempotencyKey);
    const { nothingAt, ...named } = await claimCommand(this.pool, key, own);
    return { ...named, claimed: { key, nothingAt, isFirst: named.commandId === own.commandId } };
  }
}

/** `invalid` where a call names something that has another name by now. */
const DENIALS: ReadonlySet<string> = new Set(['forbidden', 'not-found', 'permissions-missing', 'invalid']);

function claimKey(request: FastifyRequest, key: string): ClaimKey {
  const { method, url, body, params } = request;
  const tenant = normaliseUlid((params as Record<string, string>).tenantId) ?? 'system';
  return { tenant, principal: subjectOf(principalOf(request)), key, bodyHash: hashCall(method, url, body) };
}
