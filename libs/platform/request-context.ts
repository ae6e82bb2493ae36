import { AsyncLocalStorage } from 'node:async_hooks';
import { systemIds } from './ids.js';

/** What is known of the call, or of the piece of background work, that runs now. */
export interface RequestContext {
  correlationId: string;
  /** `null` when it isn't known, and for background work. */
  clientAddress: string | null;
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

/** The id the caller gave, when it is 1 to 128 visible ASCII characters, else a new one. */
export function acceptedCorrelationId(given: unknown): string {
  return typeof given === 'string' && VISIBLE_ASCII.test(given) ? given : systemIds.uuid();
}
