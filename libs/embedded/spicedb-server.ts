import * as grpc from '@grpc/grpc-js';
import { createHash, timingSafeEqual } from 'node:crypto';
import { SpiceDbError, type SpiceDbLibrary } from './spicedb-library.js';
import { HEALTH_CHECK, MISSING_METHODS, STREAMING_METHODS, UNARY_METHODS } from './spicedb-methods.js';

type Method = grpc.MethodDefinition<Buffer, Buffer>;
type UnaryHandler = grpc.handleUnaryCall<Buffer, Buffer>;
type StreamHandler = grpc.handleServerStreamingCall<Buffer, Buffer>;

/** HealthCheckResponse with status SERVING, as protobuf. */
const SERVING = Buffer.from([0x08, 0x01]);
const bytes = (message: Buffer) => message;

/**
 * A gRPC server in front of the library that passes messages on as bytes and asks for the key. It isn't bound yet.
 *
 * @param upstream a client of the library's own streaming server
 */
export function createSpiceDbServer(library: SpiceDbLibrary, upstream: grpc.Client, key: string): grpc.Server {
  const server = new grpc.Server();
  const mayCall = keyCheck(key);
  const services = new Map<string, [Record<string, Method>, grpc.UntypedServiceImplementation]>();
  const add = (path: string, requestStream: boolean, responseStream: boolean, handler: grpc.UntypedHandleCall) => {
    const [, service = '', method = ''] = path.split('/');
    const [definition, handlers] = services.get(service) ?? [{}, {}];
    definition[method] = methodDefinition(path, requestStream, responseStream);
    handlers[method] = handler;
    services.set(service, [definition, handlers]);
  };
  for (const [path, symbol] of Object.entries(UNARY_METHODS)) add(path, false, false, unary(library, symbol, mayCall));
  for (const path of STREAMING_METHODS) add(path, false, true, streaming(upstream, path, mayCall));
  // Declared as streams in both directions, so that they answer whatever the client sends.
  for (const path of MISSING_METHODS) add(path, true, true, missing(path, mayCall));
  add(HEALTH_CHECK, false, false, ((_call, done) => done(null, SERVING)) satisfies UnaryHandler);
  for (const [definition, handlers] of services.values()) server.addService(definition, handlers);
  return server;
}

/**
 * @param port 0 for a free one
 * @returns the port it listens on
 */
export function listen(server: grpc.Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
}

function methodDefinition(path: string, requestStream: boolean, responseStream: boolean): Method {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
}

type KeyCheck = (metadata: grpc.Metadata) => boolean;
const WRONG_KEY = {
  code: grpc.status.UNAUTHENTICATED,
  details: 'invalid preshared key: send the key of this SpiceDB as "authorization: Bearer <key>"',
};

function keyCheck(key: string): KeyCheck {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const expected = hash(key);
  return (metadata) => {
    const [, sent = ''] = /^bearer +(.*)$/i.exec(String(metadata.get('authorization')[0] ?? '')) ?? [];
    return timingSafeEqual(hash(sent), expected);
  };
}

function unary(library: SpiceDbLibrary, symbol: string, mayCall: KeyCheck): UnaryHandler {
  return (call, done) => {
    if (!mayCall(call.metadata)) return done(WRONG_KEY);
    library.call(symbol, call.request).then(
      (response) => done(null, response),
      (error: unknown) => {
        const code = error instanceof SpiceDbError ? error.code : grpc.status.INTERNAL;
        done({ code, details: error instanceof Error ? error.message : String(error) });
      },
    );
  };
}

function streaming(upstream: grpc.Client, path: string, mayCall: KeyCheck): StreamHandler {
  return (call) => {
    if (!mayCall(call.metadata)) return void call.emit('error', WRONG_KEY);
    const deadline = call.getDeadline();
    const source = upstream.makeServerStreamRequest(path, bytes, bytes, call.request, new grpc.Metadata(), {
      deadline,
    });
    call.on('cancelled', () => source.cancel());
    source.on('metadata', (metadata: grpc.Metadata) => call.sendMetadata(metadata));
    source.on('data', (message: Buffer) => {
      if (call.write(message)) return;
      source.pause();
      call.once('drain', () => source.resume());
    });
    source.on('error', ({ code, details, metadata }: grpc.ServiceError) => {
      if (!call.cancelled) call.emit('error', { code, details, metadata });
    });
    source.on('end', () => call.end());
  };
}

function missing(path: string, mayCall: KeyCheck): grpc.handleBidiStreamingCall<Buffer, Buffer> {
  const details =
    `${path.slice(path.lastIndexOf('/') + 1)} isn't available in the embedded SpiceDB. ` +
    'Use a SpiceDB server (SPICEDB_ENDPOINT) where you need it.';
  return (call) => {
    call.emit('error', mayCall(call.metadata) ? { code: grpc.status.UNIMPLEMENTED, details } : WRONG_KEY);
  };
}
