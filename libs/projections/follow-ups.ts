import { CommandBus } from '@nestjs/cqrs';
import { LRUCache } from 'lru-cache';
import { type DomainEvent, followUpContext, type Recorded } from '../event-store/index.js';
import { traced, traceId } from '../platform/index.js';
import type { Process } from './noun.js';

/** What every command handler answers with: at least the position of the last event that follows from it. */
export interface Positioned {
  position: number;
}

const REMEMBERED_EVENTS = 50_000;

/**
 * Sends the commands that follow from events. Their ids derive from the event, so it does not matter who sends them
 * first: the handler of the command that caused the event, or the process that completes what a crash interrupted.
 */
export class FollowUps {
  /** Ids of events whose follow-ups went well in this process, and need no second look. */
  private readonly done: LRUCache<string, true>;
  /** Id of an event → the call that runs what follows from it. */
  private readonly underWay = new Map<string, Promise<unknown>>();
  /** Stored event name → the processes that do something about it. */
  private readonly concerned = new Map<string, readonly Process[]>();

  constructor(
    private readonly bus: CommandBus,
    private readonly processes: readonly Process[],
    /** Called between a command's own append and those that follow from it, for tests that kill the process there. */
    private readonly beforeFollowUp?: () => void | Promise<void>,
    rememberedEvents = REMEMBERED_EVENTS,
  ) {
    this.done = new LRUCache({ max: rememberedEvents });
  }

  /**
   * @returns the position of the last event that followed, or `position` where nothing did
   * @throws what the first command that fails throws; the relay sends the rest
   */
  async run(events: readonly Recorded<DomainEvent>[], position: number): Promise<number> {
    const running = this.runInTurn(events, position);
    for (const { id } of events) this.underWay.set(id, running);
    try {
      return await running;
    } finally {
      for (const { id } of events) this.underWay.delete(id);
    }
  }

  private async runInTurn(events: readonly Recorded<DomainEvent>[], position: number): Promise<number> {
    let last = position;
    for (const event of events) {
      for (const process of this.concernedBy(event)) last = Math.max(last, await this.runOne(process, event));
      if (this.isDoneOnce(event)) this.done.set(event.id, true);
    }
    return last;
  }

  /** Each process goes as far as it can, whatever becomes of the others. @returns what those that failed threw */
  async runEach(event: Recorded<DomainEvent>): Promise<unknown[]> {
    const failures: unknown[] = [];
    // Its own call is at it: what goes well there is not done a second time beside it.
    if (this.isDoneOnce(event)) await this.underWay.get(event.id)?.catch(() => undefined);
    if (this.isDone(event)) return failures;
    for (const process of this.concernedBy(event)) {
      await this.runOne(process, event).catch((error: unknown) => failures.push(error));
    }
    return failures;
  }

  /** Whether what follows from an event was done here, and needs no second look. Said once. */
  isDone({ id }: Pick<Recorded<DomainEvent>, 'id'>): boolean {
    return this.done.delete(id);
  }

  /** Whether what follows from events of the type needs no second look, and so has no order among its like either. */
  isDoneOnce(event: Pick<Recorded<DomainEvent>, 'type'>): boolean {
    return this.concernedBy(event).every(({ once }) => once?.includes(event.type));
  }

  private concernedBy({ type }: Pick<Recorded<DomainEvent>, 'type'>): readonly Process[] {
    let concerned = this.concerned.get(type);
    if (!concerned) {
      concerned = this.processes.filter(({ followUps }) => type in followUps);
      this.concerned.set(type, concerned);
    }
    return concerned;
  }

  private async runOne({ name, followUps }: Process, event: Recorded<DomainEvent>): Promise<number> {
    const commands = followUps[event.type as never] as Process['followUps'][string] | undefined;
    let last = event.position;
    for (const [index, followUp] of (commands?.(event as never) ?? []).entries()) {
      await this.beforeFollowUp?.();
      const command = followUp(followUpContext(event, name, index));
      const attributes = { process: name, event: event.type, command: command.constructor.name };
      // The relay has nothing running that it belongs to: the call that caused the event does.
      const parent = traceId() === undefined ? event.metadata.traceparent : undefined;
      const outcome = await traced(`process ${name}`, { attributes, parent }, () =>
        this.bus.execute<object, Positioned>(command),
      );
      last = Math.max(last, outcome.position);
    }
    return last;
  }
}
