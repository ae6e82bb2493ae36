import type { Observe } from '../../libs/testing/api-client.js';
import type { ServerProcess } from './server-process.js';
import { ADMIN_TOKEN, type Servers } from './servers.js';
import type { Restartable } from './story.js';

/** API processes of one installation; the story goes on at the next one when one dies. */
export class Fleet implements Restartable {
  readonly observe: Observe = (...answered) => this.servers.watch.answered(...answered);
  private current: ServerProcess | undefined;

  constructor(
    private readonly servers: Servers,
    /** In the order they serve; when all have, others are started. */
    private readonly waiting: ServerProcess[] = [],
  ) {}

  async start(): Promise<{ url: string; token: string }> {
    this.current = this.waiting.shift() ?? this.servers.api();
    return { url: await this.current.listening(), token: ADMIN_TOKEN };
  }

  async kill(): Promise<void> {
    await this.current?.kill();
  }
}

/** What a relay says of itself; undefined while it does not. */
export async function roleOf(relay: ServerProcess): Promise<string | undefined> {
  const url = await relay.url();
  if (!url || !relay.alive) return undefined;
  const answer = await fetch(`${url}/readyz`);
  return answer.ok ? ((await answer.json()) as { role: string }).role : undefined;
}

/** The relay that has the lease now. */
export async function activeOf(relays: readonly ServerProcess[]): Promise<ServerProcess | undefined> {
  for (const relay of relays) if ((await roleOf(relay)) === 'active') return relay;
  return undefined;
}
