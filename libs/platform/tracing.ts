import {
  type Attributes,
  context,
  type Context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { Refused } from './refusal.js';

export interface TracingOptions {
  /** Of an OTLP collector that speaks HTTP: `http://collector:4318`. */
  endpoint?: string;
  /** Which process traces. */
  service: string;
  /** In the place of the one that sends to the endpoint, for tests. */
  processor?: SpanProcessor;
}

export interface TraceOptions {
  attributes?: Attributes;
  kind?: SpanKind;
  /** `traceparent` of what it belongs to; what runs now unless given. */
  parent?: string;
  /** `traceparent`s of what it has to do with. */
  links?: readonly (string | undefined)[];
}

const MOST_LINKS = 100;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
let on = false;

export function isTracing(): boolean {
  return on;
}

/**
 * Sends spans from now on; without an endpoint or processor nothing is loaded, and nothing costs anything.
 * @returns what sends the rest and stops
 */
export async function startTracing({ endpoint, service, processor }: TracingOptions): Promise<() => Promise<void>> {
  if (endpoint === undefined && !processor) return () => Promise.resolve();
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const sending = (): SpanProcessor =>
    new BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint!.replace(/\/$/, '')}/v1/traces` }));
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [processor ?? sending()],
  });
  provider.register();
  on = true;
  return async () => {
    on = false;
    await provider.shutdown().catch(() => undefined);
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

const tracer = () => trace.getTracer('countersign');

function contextFrom(traceparent: string | undefined): Context {
  return traceparent === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, { traceparent });
}

function linksTo(traceparents: readonly (string | undefined)[] = []): Link[] {
  const distinct = [...new Set(traceparents.filter((given) => given !== undefined))].slice(0, MOST_LINKS);
  return distinct
    .flatMap((traceparent) => trace.getSpanContext(contextFrom(traceparent)) ?? [])
    .map((to) => ({ context: to }));
}

/** Runs work in a span; just runs it while nothing is traced. */
export async function traced<T>(name: string, options: TraceOptions, work: () => Promise<T>): Promise<T> {
  if (!on) return work();
  const { attributes, kind, parent, links } = options;
  const spanOptions = { attributes, kind, links: linksTo(links) };
  return tracer().startActiveSpan(name, spanOptions, contextFrom(parent), async (span) => {
    try {
      return await work();
    } catch (error) {
      // What an error says may be personal, or secret.
      const reason = error instanceof Refused ? error.code : error instanceof Error ? error.name : 'error';
      span.setAttribute('error.type', reason);
      if (!(error instanceof Refused)) span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** One piece of work for several traces: a span of its own with links, and one with the same times in each trace. */
export async function tracedTogether<T>(
  name: string,
  parts: readonly { name: string; parent: string | undefined; attributes: Attributes }[],
  work: () => Promise<T>,
): Promise<T> {
  const startTime = Date.now();
  const links = parts.map(({ parent }) => parent);
  const done = await traced(name, { links, attributes: { parts: parts.length } }, work);
  const endTime = Date.now();
  for (const { name: part, parent, attributes } of parts) {
    if (parent) tracer().startSpan(part, { startTime, attributes }, contextFrom(parent)).end(endTime);
  }
  return done;
}

/** Names what runs now, in the form of the W3C; undefined while nothing is traced. */
export function traceparent(): string | undefined {
  if (!on) return undefined;
  const span = trace.getSpanContext(context.active());
  return span && `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}

export function traceId(): string | undefined {
  return TRACEPARENT.exec(traceparent() ?? '')?.[1];
}
