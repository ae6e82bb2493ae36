import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SideAnswer {
  status: number;
  type: string;
  text: string;
}
export interface SideServer {
  url: string;
  close(): Promise<void>;
}

const OTHER_VERB: SideAnswer = { status: 405, type: 'text/plain', text: 'method not allowed' };
const FAILED: SideAnswer = { status: 500, type: 'text/plain', text: 'failed' };

/** A small server for those who run the system, on a port that is not for the public. */
export async function serveBeside(
  { host, port }: { host: string; port: number },
  answerTo: (path: string) => Promise<SideAnswer>,
): Promise<SideServer> {
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    const path = url.split('?', 1)[0]!;
    const answering = ['GET', 'HEAD'].includes(method) ? answerTo(path) : Promise.resolve(OTHER_VERB);
    void answering
      .catch(() => FAILED)
      .then(({ status, type, text }) => {
        const allow = status === OTHER_VERB.status ? { allow: 'GET, HEAD' } : {};
        response.writeHead(status, { 'content-type': type, connection: 'close', ...allow });
        response.end(text);
      });
  });
  const listening = once(server, 'listening');
  server.listen(port, host);
  await listening;
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    // It waits for connections over which nothing comes; who asks here asks again.
    server.closeAllConnections();
    await closed;
  };
  const shown = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${shown}:${(server.address() as AddressInfo).port}`, close };
}
