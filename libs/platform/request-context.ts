import { AsyncLocalStorage } from 'node:async_hooks';
import { systemIds } from './ids.js';

/** What is known of the call, or of the piece of background work, that runs now. */
export interface RequestContext {
  correlationId: string;
  /** `null` when it isn't known, and for background work. */
  clientAddress: string | null;
  values?: ReadonlyMap<ContextValue<unknown>, unknown>;
}

const VISIBLE_ASCII = /^[\x21-\x7e]{1,128}$/;
const storage = new AsyncLocalStorage<RequestContext>();

export function requestContext(): RequestContext | undefined {
  return storage.getStore();
}

/** Of the call or work that runs now; a new one outside of any. */
export function correlationId(): string {
  return storage.getStore()?.correlationId ?? systemIds.uuid();
}

/** Everything `work` starts sees the context, however much later it runs. */
export function runInContext<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}

/**
 * A value that everything sees which a piece of work starts. All of them share one storage: on Node 20 each storage costs
 * every promise of the process.
 */
export class ContextValue<T> {
  get(): T | undefined {
    return storage.getStore()?.values?.get(this) as T | undefined;
  }

  run<Result>(value: T, work: () => Result): Result {
    const context = storage.getStore() ?? { correlationId: systemIds.uuid(), clientAddress: null };
    return storage.run({ ...context, values: new Map(context.values).set(this, value) }, work);
  }
}

/** The id the caller gave, when it is 1 to 128 visible ASCII characters, else a new one. */
export function acceptedCorrelationId(given: unknown): string {
  return typeof given === 'string' && VISIBLE_ASCII.test(given) ? given : systemIds.uuid();
}
