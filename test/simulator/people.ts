import type { FastifyReply, FastifyRequest } from 'fastify';
import { translateError } from '../../apps/api/translate-error.js';
import type { Answer, Call } from '../../libs/edge/index.js';
import { verify } from '../../libs/platform/index.js';
import { answerTo } from '../../libs/platform/problem-of.js';
import { Violation } from './effects-oracle.js';
import { inFlow } from './flows.js';
import type { Handlers } from './handlers.js';
import type { Scheduler } from './scheduler.js';
import type { Seeded } from './seeded.js';
import type { SimulatedLog } from './simulated-log.js';
import type { SimulatedNode } from './simulated-node.js';
import { createServiceAccount } from './accounts-story.js';
import { createRole } from './roles-story.js';
import { Choices, createTenant, registerUser, type Repertoire } from './story.js';
import type { Known, StoryCall, Told } from './story-call.js';

export interface PeopleWorld {
  scheduler: Scheduler;
  random: Seeded;
  handlers: Handlers;
  log: SimulatedLog;
  apis: readonly SimulatedNode[];
  signingKey: string;
  now: () => Date;
  trace: (line: string) => void;
  fail: (violation: unknown) => void;
  /** Whether SpiceDB has everything up to a position. */
  isLive: (position: number) => boolean;
  /** Calls that are left out, by their number: for finding the few that matter. */
  skipped: ReadonlySet<number>;
  repertoire: Repertoire;
}

type Outcome = { told: Told; position: number; effective: boolean } | { refused: string } | 'no answer';

const MOST_TRIES = 200;
/** Answers of which the caller is told to come back. */
const COME_BACK = new Set([503, 429]);

/** The people of a story: each makes one call after the other, and makes it again until it is answered. */
export class People {
  readonly known: Known = { users: [], tenants: [], requests: [] };
  acknowledged = 0;
  refused = 0;
  /** Numbers of the calls that were made. */
  readonly made: number[] = [];
  private calls = 0;
  private readonly choices: Choices;

  constructor(private readonly world: PeopleWorld) {
    this.choices = new Choices(world.repertoire, world.random.fork('emphasis'));
  }

  async act(people: number, callsEach: number): Promise<void> {
    const { random } = this.world;
    for (let number = 0; number < 3; number++) await this.call(registerUser(this.known, number), random);
    const [first] = this.known.users;
    await this.call(createTenant(this.known, first!, 'T0'), random);
    if (this.world.repertoire === 'whole') {
      for (const create of [createRole, createServiceAccount]) await this.call(create(random, this.known), random);
    }
    await Promise.all(
      Array.from({ length: people }, (_, index) => this.one(random.fork(`person ${index}`), callsEach)),
    );
  }

  private async one(random: Seeded, calls: number): Promise<void> {
    for (let made = 0; made < calls; made++) {
      await this.sleep(random.between(0, 200));
      const call = this.choices.next(random, this.known, this.world.now());
      if (call && !this.world.skipped.has(this.calls++)) await this.call(call, random);
    }
  }

  private async call(call: StoryCall, random: Seeded): Promise<void> {
    const number = this.calls - 1;
    this.made.push(number);
    const key = `call-${number}-${call.name.replaceAll(' ', '-')}`;
    const waitMs = random.pick([0, 0, 300, 1_000]);
    const first = await this.untilAnswered(call, key, waitMs, random);
    if (!first || 'refused' in first) return;
    this.acknowledged++;
    call.learn?.(first.told);
    // A call that found nothing to do has left nothing, and is decided anew.
    const { log } = this.world;
    if (!random.chance(0.15) || !log.events.some(({ metadata }) => metadata.correlationId === key)) return;
    await this.sleep(random.between(0, 1_000));
    const again = await this.untilAnswered(call, key, 0, random);
    if (again) this.expectSame(call, first.told, again);
  }

  private async untilAnswered(call: StoryCall, key: string, waitMs: number, random: Seeded) {
    const { trace } = this.world;
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      const node = random.pick(this.world.apis);
      const outcome = node.alive ? await this.attempt(node, call, key, waitMs) : 'no answer';
      if (outcome !== 'no answer') {
        if ('refused' in outcome) {
          this.refused++;
          trace(`          ${call.name}: refused, ${outcome.refused}`);
        } else {
          trace(`          ${call.name}: accepted at ${outcome.position}${outcome.effective ? ', effective' : ''}`);
          this.expectKept(call, outcome);
        }
        return outcome;
      }
      await this.sleep(random.between(100, 600));
    }
    return this.world.fail(new Violation('P11', `no answer to "${call.name}" after ${MOST_TRIES} tries`)) as undefined;
  }

  private async attempt(node: SimulatedNode, call: StoryCall, key: string, waitMs: number): Promise<Outcome> {
    const { process } = node;
    const { trace, handlers, signingKey } = this.world;
    trace(`${process.name.padEnd(9)} is asked: ${call.name}`);
    const answered = inFlow(process, () =>
      handlers.edge.run<Told>(this.httpCall(call, key, waitMs), call.make).catch((error: unknown) => ({ error })),
    );
    const answer = await Promise.race([answered, process.died]);
    if (!answer) return 'no answer';
    if ('error' in answer) return this.refusal(call, answer.error);
    const { token, effective, ...told } = answer as Answer<Told>;
    return { told, effective, position: verify(token, signingKey)!['p'] as number };
  }

  private refusal(call: StoryCall, error: unknown): Outcome {
    const { problem } = answerTo(error, '', translateError);
    if (COME_BACK.has(problem.status) || problem.code === 'too-much-contention') return 'no answer';
    if (problem.status >= 500) {
      this.world.fail(new Violation('P11', `"${call.name}" fails: ${(error as Error).stack ?? String(error)}`));
    }
    return { refused: problem.code };
  }

  private httpCall(call: StoryCall, key: string, waitMs: number): Call {
    const request = {
      principal: { type: 'user', id: call.principal, name: null, authentication: 'token' },
      ...{ method: 'POST', url: `/${call.name}`, body: {}, params: { tenantId: call.tenantId ?? '' } },
      headers: { 'idempotency-key': key },
    };
    const reply = { header: () => reply, status: () => reply, removeHeader: () => reply };
    return {
      ...{ request: request as unknown as FastifyRequest, reply: reply as unknown as FastifyReply, params: {} },
      ...{ idempotencyKey: key, ifRevision: undefined, waitMs, preferred: true, correlationId: key },
    };
  }

  /** P1, and what an answer says of its effect. */
  private expectKept(call: StoryCall, outcome: Exclude<Outcome, string | { refused: string }>): void {
    const { log, isLive, fail } = this.world;
    const { told, position, effective } = outcome;
    if (position > log.head) return fail(new Violation('P1', `"${call.name}" is accepted past the end of the log`));
    if (!log.events.slice(0, position + 1).some((event) => call.leaves(event, told))) {
      fail(new Violation('P1', `"${call.name}" is accepted at ${position}, and the log has no event of it`));
    }
    if (effective && !isLive(position)) {
      fail(new Violation('P5', `"${call.name}" is said to be effective at ${position}, and SpiceDB does not have it`));
    }
  }

  /** P2. */
  private expectSame(call: StoryCall, first: Told, again: Exclude<Outcome, string>): void {
    const [before, after] = [shownAnswer(first), 'refused' in again ? again.refused : shownAnswer(again.told)];
    if (before !== after) this.world.fail(new Violation('P2', `"${call.name}" answers ${before}, and again ${after}`));
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.world.scheduler.in(milliseconds, resolve));
  }
}

/** What is told as it is today, or once: whether somebody is active, what they are called, and a secret. */
const NOT_REPEATED = new Set(['active', 'displayName', 'secret']);

function shownAnswer(told: Told): string {
  return JSON.stringify(told, (name, value: unknown) => (NOT_REPEATED.has(name) ? undefined : value));
}
