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

/** A small server for those who run the system, on a port that is not for the public. */
export async function serveBeside(
  { host, port }: { host: string; port: number },
  answerTo: (path: string) => Promise<SideAnswer>,
): Promise<SideServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    void answerTo(path).then(({ status, type, text }) => {
      response.writeHead(status, { 'content-type': type, connection: 'close' });
      response.end(text);
    });
  });
  const listening = once(server, 'listening');
  server.listen(port, host);
  await listening;
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
  const shown = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${shown}:${(server.address() as AddressInfo).port}`, close };
}
