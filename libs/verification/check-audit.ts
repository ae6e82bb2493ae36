import type { ClientBase } from 'pg';
import {
  type AuditRow,
  canonicalEvent,
  type ChainHead,
  isAuditHead,
  readAuditRows,
  verifyChains,
} from '../audit-log/index.js';
import type { StoredEvent } from '../event-store/index.js';
import type { Domain } from '../projections/index.js';
import { type Check, type EventRef, Findings, MOST_LISTED } from './report.js';

/** Walks the log and the trail side by side: one entry per event, and no other. */
export class AuditPairing {
  private readonly findings = new Findings('P7', 'one audit entry per event');
  private readonly rows: AsyncIterator<AuditRow>;
  private row: AuditRow | undefined;

  private constructor(client: ClientBase) {
    this.rows = readAuditRows(client, 'position');
  }

  static async start(client: ClientBase): Promise<AuditPairing> {
    const pairing = new AuditPairing(client);
    await pairing.advance();
    return pairing;
  }

  async pair(stored: StoredEvent): Promise<void> {
    if (isAuditHead(stored.type)) return;
    await this.skipTo(stored.position);
    const { position, id, type } = stored;
    const event: EventRef = { position, id, type };
    if (this.row?.position !== position) return this.findings.add({ kind: 'missing', subject: id, event });
    if (this.row.eventId !== id || this.row.event !== canonicalEvent(stored)) {
      this.findings.add({ kind: 'differs', subject: nameOf(this.row), actual: this.row.eventId, event });
    }
    await this.advance();
  }

  async finish(): Promise<Check> {
    await this.skipTo(Infinity);
    return this.findings.check;
  }

  private async skipTo(position: number): Promise<void> {
    while (this.row && this.row.position < position) {
      this.findings.add({ kind: 'extra', subject: nameOf(this.row), actual: this.row.eventId });
      await this.advance();
    }
  }

  private async advance(): Promise<void> {
    const next = await this.rows.next();
    this.row = next.done ? undefined : next.value;
  }
}

/** Hashes, gaps, what is shown, and the heads that were published. */
export async function checkChains(
  client: ClientBase,
  domain: Domain,
  unrendered: ReadonlySet<string>,
  heads: Iterable<ChainHead>,
): Promise<Check> {
  const options = { heads, mapping: domain.audit, unrendered, most: MOST_LISTED };
  const { faults, count } = await verifyChains(readAuditRows(client, 'chain'), options);
  const differences = faults.map(({ kind, chain, sequence, to, detail }) => ({
    kind,
    subject: `${chain}/${sequence}${to === undefined || to === sequence ? '' : `-${to}`}`,
    actual: detail,
  }));
  return { name: 'audit chains', promise: 'P7', ok: count === 0, differences, count };
}

function nameOf({ chain, sequence }: AuditRow): string {
  return `${chain}/${sequence}`;
}
