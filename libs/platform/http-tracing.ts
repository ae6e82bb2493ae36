import {
  context,
  type Context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import { isTracing } from './tracing.js';

interface Traced {
  span: Span;
  context: Context;
}

/** A span for each call, in the trace that its `traceparent` names. Runs before everything else. */
export function addTracing(fastify: FastifyInstance): void {
  if (!isTracing()) return;
  const calls = new WeakMap<object, Traced>();
  fastify.addHook('onRequest', (request, _reply, done) => {
    const parent = propagation.extract(ROOT_CONTEXT, request.headers);
    const route = request.routeOptions.url ?? 'unmatched';
    const attributes = { 'http.request.method': request.method, 'http.route': route };
    const options = { kind: SpanKind.SERVER, attributes };
    const span = trace.getTracer('countersign').startSpan(`${request.method} ${route}`, options, parent);
    const traced = { span, context: trace.setSpan(parent, span) };
    calls.set(request.raw, traced);
    context.with(traced.context, done);
  });
  // Reading the body leaves the context: its events come from the connection.
  fastify.addHook('preValidation', (request, _reply, done) => {
    context.with(calls.get(request.raw)?.context ?? context.active(), done);
  });
  fastify.addHook('onResponse', (request, { statusCode }, done) => {
    const call = calls.get(request.raw);
    call?.span.setAttribute('http.response.status_code', statusCode);
    if (statusCode >= 500) call?.span.setStatus({ code: SpanStatusCode.ERROR });
    call?.span.end();
    context.with(call?.context ?? context.active(), done);
  });
}
