import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  return probe(0);
}

/**
 * @param variable the environment variable that chooses this port
 * @throws when something listens on the port already, or we may not
 */
export async function requireFreePort(port: number, variable: string, purpose: string): Promise<void> {
  await probe(port).catch((error: NodeJS.ErrnoException) => {
    throw portError(error, port, variable, purpose);
  });
}

function portError(error: NodeJS.ErrnoException, port: number, variable: string, purpose: string): Error {
  const reason = error.code === 'EADDRINUSE' ? 'is already in use' : `can't be used (${error.code ?? error.message})`;
  return new Error(
    `Port ${port} for ${purpose} ${reason}. Stop what listens there, or set ${variable} to another port.`,
  );
}

async function probe(port: number): Promise<number> {
  const server = createServer();
  server.listen({ port, host: '127.0.0.1', exclusive: true });
  await once(server, 'listening');
  const chosen = (server.address() as AddressInfo).port;
  server.close();
  await once(server, 'close');
  return chosen;
}
