import { Agent, request } from 'node:http';
import type { Exchange } from './conformance.js';
import type { RawCall } from './malformed-calls.js';

/** Calls as they are: fetch corrects what it is given. */
export class Wire {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(private readonly url: string) {}

  close(): void {
    this.agent.destroy();
  }

  send({ method, path, headers, body }: RawCall): Promise<Exchange> {
    const { hostname, port } = new URL(this.url);
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { agent: this.agent, hostname, port, method, path, headers: { ...headers, ...length } };
    return new Promise((resolve, reject) => {
      const outgoing = request(options, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const answered = Object.entries(incoming.headers).map(([name, value]): [string, string] => {
            return [name, String(value)];
          });
          const status = incoming.statusCode!;
          resolve({ method, path, status, headers: new Headers(answered), text: Buffer.concat(chunks).toString() });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}
