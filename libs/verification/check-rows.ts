import type { ClientBase } from 'pg';
import { quote, type Row } from '../projections/index.js';
import type { NaiveTable } from './naive-rows.js';
import type { NaiveRelationships, TupleChange, Wish } from './naive-relationships.js';
import { type Check, Findings } from './report.js';

const ROWS_AT_ONCE = 1_000;

/** The rows of a read model's table against those that follow from the log. */
export async function checkTable(client: ClientBase, naive: NaiveTable): Promise<Check> {
  const { table } = naive;
  const findings = new Findings('P9', `read model ${table.name}`);
  const expected = new Map(naive.rows);
  const columns = Object.keys(table.columns).map(quote).join(', ');
  for await (const row of rowsOf<Row>(client, `select ${columns} from ${quote(table.name)}`)) {
    const actual = naive.normalise(row);
    const key = naive.keyOf(actual);
    const wanted = expected.get(key);
    expected.delete(key);
    if (!wanted) findings.add({ kind: 'extra', subject: key, actual });
    else if (Object.keys(wanted).some((column) => wanted[column] !== actual[column])) {
      findings.add({ kind: 'differs', subject: key, expected: wanted, actual });
    }
  }
  for (const [key, row] of expected) findings.add({ kind: 'missing', subject: key, expected: row });
  return findings.check;
}

/** The rows that say who wants which tuple, against those that follow from the log. */
export async function checkSources(client: ClientBase, { wishes }: NaiveRelationships): Promise<Check> {
  const findings = new Findings('P3', 'wanted relationships');
  const seen = new Set<string>();
  const select = `select tuple, source, resource, subject, tenant_id as "tenantId", until, position,
    withdrawn from relationship_source`;
  for await (const row of rowsOf<Wish>(client, select)) {
    const subject = nameOf(row);
    seen.add(subject);
    const wish = wishes.get(row.tuple)?.get(row.source);
    if (!wish) findings.add({ kind: 'extra', subject, actual: row });
    else if (Object.entries(wish).some(([name, value]) => row[name as keyof Wish] !== value)) {
      findings.add({ kind: 'differs', subject, expected: wish, actual: row });
    }
  }
  for (const sources of wishes.values()) {
    for (const wish of sources.values()) {
      if (!seen.has(nameOf(wish))) findings.add({ kind: 'missing', subject: nameOf(wish), expected: wish });
    }
  }
  return findings.check;
}

export async function checkClosedTenants(client: ClientBase, { closedTenants }: NaiveRelationships): Promise<Check> {
  const findings = new Findings('P3', 'closed tenants');
  const { rows } = await client.query<{ id: string }>('select tenant_id as id from closed_tenant');
  const actual = new Set(rows.map(({ id }) => id));
  for (const id of actual) if (!closedTenants.has(id)) findings.add({ kind: 'extra', subject: id });
  for (const id of closedTenants) if (!actual.has(id)) findings.add({ kind: 'missing', subject: id });
  return findings.check;
}

export async function checkSuspended(client: ClientBase, { suspended }: NaiveRelationships): Promise<Check> {
  const findings = new Findings('P3', 'suspended subjects');
  const { rows } = await client.query<{ subject: string }>('select subject from suspended_subject');
  const actual = new Set(rows.map(({ subject }) => subject));
  for (const subject of actual) if (!suspended.has(subject)) findings.add({ kind: 'extra', subject });
  for (const subject of suspended) if (!actual.has(subject)) findings.add({ kind: 'missing', subject });
  return findings.check;
}

interface ChangeRow {
  position: number;
  eventId: string;
  tuple: string;
  operation: 'touch' | 'delete';
  until: string | null;
}

/**
 * What waits to be delivered, against the changes that follow from the log: all later than what is delivered, and
 * nothing older.
 */
export async function checkOutbox(
  client: ClientBase,
  partition: number,
  delivered: number,
  changes: readonly TupleChange[],
): Promise<Check & { undelivered: number }> {
  const findings = new Findings('P3', 'undelivered changes');
  const expected = new Map(
    changes
      .filter(({ event }) => event.position > delivered)
      .map((change) => [waitingName(change.event.position, change.tuple, change.now), change]),
  );
  const select = `select position, event_id as "eventId", tuple, operation, expires_at as "until"
    from relationship_change where partition = ${partition}`;
  let undelivered = 0;
  for await (const { position, eventId, tuple, operation, until } of rowsOf<ChangeRow>(client, select)) {
    undelivered++;
    const subject = waitingName(position, tuple, operation === 'delete' ? undefined : until);
    if (!expected.delete(subject))
      findings.add({ kind: position <= delivered ? 'stale' : 'extra', subject, actual: eventId });
  }
  for (const [subject, { event }] of expected) findings.add({ kind: 'missing', subject, event });
  return { ...findings.check, undelivered };
}

function waitingName(position: number, tuple: string, now: string | null | undefined): string {
  if (now === undefined) return `${position}: delete ${tuple}`;
  return `${position}: touch ${tuple}${now === null ? '' : ` until ${now}`}`;
}

function nameOf({ tuple, source }: { tuple: string; source: string }): string {
  return `${tuple} from ${source}`;
}

async function* rowsOf<R extends object>(client: ClientBase, select: string): AsyncGenerator<R> {
  await client.query(`declare checked_rows no scroll cursor for ${select}`);
  for (;;) {
    const { rows } = await client.query<R>(`fetch ${ROWS_AT_ONCE} from checked_rows`);
    yield* rows;
    if (rows.length < ROWS_AT_ONCE) break;
  }
  await client.query('close checked_rows');
}
