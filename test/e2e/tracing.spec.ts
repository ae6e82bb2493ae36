import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { startTracing, traced } from '../../libs/platform/index.js';
import { until } from '../../libs/testing/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import { aRole, aServiceAccount, aTenant, aWorkspace, done, stopChecked, tenantEvents, uniqueName } from './world.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

describe('a traced call', () => {
  const exporter = new InMemorySpanExporter();
  let app: TestApp;
  let stopTracing: () => Promise<void>;

  beforeAll(async () => {
    stopTracing = await startTracing({ service: 'test', processor: new SimpleSpanProcessor(exporter) });
    app = await startTestApp();
  });

  afterAll(async () => {
    await stopChecked(app);
    await stopTracing();
  });

  const spansOf = (traceId: string): ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);

  it('is followed from its arrival to the tuple, in the trace that the caller names', async () => {
    const { owner } = await aTenant(app);
    const { body } = await done(
      owner.post(
        '/v1/tenants',
        { name: uniqueName('traced') },
        { traceparent: TRACEPARENT, 'x-correlation-id': 'c-9' },
      ),
    );
    await app.settled();
    const names = (): string[] => spansOf(TRACE).map(({ name }) => name);
    await until(() => Promise.resolve(names().includes('POST /v1/tenants')));
    await until(() => Promise.resolve(names().some((name) => name === 'deliver tenant.admin-granted')));
    expect(names()).toEqual(
      expect.arrayContaining([
        ...['POST /v1/tenants', 'command CreateTenant', 'append', 'process tenants'],
        ...[expect.stringMatching(/^fold tenant-created/), 'deliver tenant.admin-granted'],
      ]),
    );
    const http = spansOf(TRACE).find(({ name }) => name === 'POST /v1/tenants')!;
    expect(http.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
    expect(http.attributes).toMatchObject({ 'http.route': '/v1/tenants', 'http.response.status_code': 201 });
    const command = spansOf(TRACE).find(({ name }) => name === 'command CreateTenant')!;
    expect(command.parentSpanContext?.spanId).toBe(http.spanContext().spanId);
    const batches = exporter.getFinishedSpans().filter(({ name }) => name === 'relay deliver');
    expect(batches.flatMap(({ links }) => links.map(({ context }) => context.traceId))).toContain(TRACE);
    const stored = await tenantEvents(app, body.id);
    for (const { metadata } of stored)
      expect(metadata.traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  });

  it('TW-053 tells of a tenant’s deletion how many workspaces, keys, roles and service accounts went', async () => {
    const tenant = await aTenant(app);
    const workspace = await aWorkspace(tenant);
    await aWorkspace(tenant, { parentId: workspace });
    await Promise.all([aRole(tenant), aServiceAccount(app, tenant)]);
    for (const name of ['a', 'b']) await done(tenant.owner.post(`${tenant.path}/api-keys`, { name }));
    const trace = TRACE.replace('4', '5');
    await done(tenant.owner.delete(tenant.path, { traceparent: `00-${trace}-00f067aa0ba902b7-01` }));
    await app.settled();
    const deleted = { workspace: 3, 'api-key': 2, role: 1, 'service-account': 1, tenant: 1 };
    const told = () => {
      const names = spansOf(trace).map(({ name }) => name);
      const counts = Object.keys(deleted).map((noun): [string, number] => {
        return [noun, names.filter((name) => name === `fold ${noun}-deleted.v1`).length];
      });
      return Object.fromEntries(counts);
    };
    await until(() => Promise.resolve(told().tenant === 1));
    expect(told()).toEqual(deleted);
  });

  it('is named in the log, beside its correlation id', () => {
    const lines = app.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: 'answered', correlationId: 'c-9', traceId: TRACE, route: '/v1/tenants' }),
    );
  });

  it('holds neither ids of people nor texts in what it says of itself', () => {
    const said = JSON.stringify(exporter.getFinishedSpans().map(({ name, attributes }) => ({ name, attributes })));
    expect(said).not.toMatch(/[0-7][0-9A-HJKMNP-TV-Z]{25}|csn_/);
  });
});

describe('spans', () => {
  let collector: Server | undefined;

  afterEach(() => {
    collector?.close();
    collector = undefined;
  });

  it('are sent to the collector as OTLP in JSON', async () => {
    const received: { path: string | undefined; body: string }[] = [];
    collector = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        received.push({ path: request.url, body });
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => collector!.listen(0, '127.0.0.1', resolve));
    const { port } = collector.address() as AddressInfo;
    const stop = await startTracing({ endpoint: `http://127.0.0.1:${port}/`, service: 'sender' });
    await traced('outer', {}, () => traced('inner', { attributes: { events: 2 } }, () => Promise.resolve()));
    await stop();
    expect(received.map(({ path }) => path)).toEqual(['/v1/traces']);
    const sent = JSON.parse(received[0]!.body) as { resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[] };
    const spans = sent.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    expect(spans.map(({ name }) => name).sort()).toEqual(['inner', 'outer']);
    expect(received[0]!.body).toContain('"sender"');
  });

  it('are not made at all unless an endpoint is set', async () => {
    const stop = await startTracing({ service: 'off' });
    let ran = 0;
    await traced('never', {}, () => Promise.resolve(ran++));
    await stop();
    expect(ran).toBe(1);
  });
});
