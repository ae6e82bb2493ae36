import { apiClient } from '../../libs/testing/api-client.js';
import { until } from '../../libs/testing/index.js';

/** Sends each call to the next API that says it is ready, as a load balancer does, and counts what fails. */
export class RoundRobin {
  readonly failures: string[] = [];
  private readonly counts: number[];
  private turn = 0;
  private total = 0;
  private stopped = false;

  constructor(private readonly urls: string[]) {
    this.counts = urls.map(() => 0);
  }

  replace(index: number, url: string): void {
    this.urls[index] = url;
    this.counts[index] = 0;
  }

  /** Whether the one in this place has answered since it is there. */
  served(index: number): boolean {
    return this.counts[index]! > 0;
  }

  /** Resolves when so many more calls were answered. */
  async answered(more: number): Promise<void> {
    const wanted = this.total + more;
    await until(() => this.total >= wanted, 120_000);
  }

  stop(): void {
    this.stopped = true;
  }

  /** Commands and queries in turn, so many at once, until it is stopped. */
  async callContinuously(token: string, atOnce: number): Promise<void> {
    await Promise.all(Array.from({ length: atOnce }, (_, caller) => this.callAs(caller, token)));
  }

  private async callAs(caller: number, token: string): Promise<void> {
    for (let call = 0; !this.stopped; call++) {
      const index = await this.nextReady();
      if (index === undefined) continue;
      const api = apiClient(this.urls[index]!, token);
      const name = `Tenant ${caller} ${call}`;
      const answering = call % 2 === 0 ? api.post('/v1/tenants', { name }) : api.get('/v1/tenants?limit=5');
      const failure = await answering.then(
        ({ status, body }) => (status >= 400 ? `${status} ${JSON.stringify(body)}` : undefined),
        (error: Error) => `${error.message} ${(error.cause as Error | undefined)?.message}`,
      );
      if (failure) this.failures.push(`${name}: ${failure}`);
      this.counts[index]!++;
      this.total++;
    }
  }

  private async nextReady(): Promise<number | undefined> {
    const index = this.turn++ % this.urls.length;
    const ready = await fetch(`${this.urls[index]}/readyz`).then(
      async (answer) => (await answer.text(), answer.ok),
      () => false,
    );
    return ready ? index : undefined;
  }
}
