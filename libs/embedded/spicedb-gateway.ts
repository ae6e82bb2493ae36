import * as grpc from '@grpc/grpc-js';
import { rmSync } from 'node:fs';
import type { FromGateway, ToGateway } from './spicedb-gateway-messages.js';
import { startSpiceDbLibrary } from './spicedb-library.js';
import { createSpiceDbServer, listen } from './spicedb-server.js';

// A process of its own: a crash of the library kills only this, and closing it can take 6 s, so it is killed instead.
let publicServer: grpc.Server | undefined;

async function handle(message: ToGateway): Promise<void> {
  if (message.type === 'memory') return send({ type: 'memory', bytes: process.memoryUsage.rss() });
  if (message.type === 'open') return openPublicServer(message.port);
  const library = await startSpiceDbLibrary();
  const upstream = new grpc.Client(library.streamingTarget, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  });
  publicServer = createSpiceDbServer(library, upstream, message.presharedKey);
  send({ type: 'started', privatePort: await listen(createSpiceDbServer(library, upstream, message.privateKey), 0) });
}

async function openPublicServer(port: number): Promise<void> {
  if (!publicServer) throw new Error('open before start');
  await listen(publicServer, port);
  send({ type: 'opened' });
}

function send(message: FromGateway): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function endWithParent(): void {
  const folder = process.env['TMPDIR'];
  if (folder) rmSync(folder, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
}

process.on('message', (message: ToGateway) => {
  handle(message).catch((error: unknown) => {
    send({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  });
});
process.on('disconnect', endWithParent);
// Ctrl-C reaches the whole terminal group; the parent decides when this ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
