import { DatabaseError, type Pool } from 'pg';
import type { AppendAnswer } from './append-queue.js';
import type { SerialisedAppend, SerialisedEvent } from './append-rules.js';
import { EventLogUnavailable, RevisionConflict } from './event-log.js';
import { isRefusal, retryWhenUnreachable } from './postgres-connections.js';

type AnswerRow = [appendNo: number, outcome: 'appended' | 'repeated' | 'conflict', revision: string, position: string];

const ATTEMPTS = 6;

/**
 * Writes a batch in one commit. A lost connection leaves the outcome unknown; the repeat finds what was stored.
 * A statement that the server refuses has stored nothing: its halves are tried until only the bad append fails.
 */
export async function writeBatch(pool: Pool, batch: readonly SerialisedAppend[]): Promise<AppendAnswer[]> {
  try {
    return await retryWhenUnreachable(ATTEMPTS, () => callAppend(pool, batch));
  } catch (error) {
    const heldElsewhere = isDuplicateId(error);
    if (!heldElsewhere && !isRefusal(error)) throw unavailable(error);
    if (batch.length > 1) return writeHalves(pool, batch);
    const { stream, expectedRevision } = batch[0] as SerialisedAppend;
    if (heldElsewhere) return [new RevisionConflict(stream, expectedRevision, expectedRevision)];
    return [new TypeError(`PostgreSQL refuses the events for ${stream}: ${String(error)}`, { cause: error })];
  }
}

/** The stream holds one of the events already, elsewhere than a repeat would have it. */
function isDuplicateId(error: unknown): boolean {
  return error instanceof DatabaseError && error.constraint === 'event_stream_id_key';
}

async function writeHalves(pool: Pool, batch: readonly SerialisedAppend[]): Promise<AppendAnswer[]> {
  const middle = Math.ceil(batch.length / 2);
  const answers = await writeBatch(pool, batch.slice(0, middle));
  return [...answers, ...(await writeBatch(pool, batch.slice(middle)))];
}

async function callAppend(pool: Pool, batch: readonly SerialisedAppend[]): Promise<AppendAnswer[]> {
  const { rows } = await pool.query<AnswerRow>({
    name: 'append',
    text: 'SELECT append_no, outcome, revision, position FROM event_log.append($1)',
    values: [`[${batch.map(appendJson).join(',')}]`],
    rowMode: 'array',
  });
  const answers: AppendAnswer[] = [];
  for (const [appendNo, outcome, revision, position] of rows) {
    const append = batch[appendNo - 1] as SerialisedAppend;
    answers[appendNo - 1] =
      outcome === 'conflict'
        ? new RevisionConflict(append.stream, append.expectedRevision, Number(revision))
        : { revision: Number(revision), position: Number(position) };
  }
  return answers;
}

/** Joins what is serialised already: half the cost of letting the driver escape arrays of JSON. */
function appendJson({ stream, expectedRevision, events }: SerialisedAppend): string {
  return `{"stream":${JSON.stringify(stream)},"expected":${expectedRevision},"events":[${events.map(eventJson).join(',')}]}`;
}

function eventJson({ id, type, data, personal, metadata }: SerialisedEvent): string {
  const personalPart = personal === undefined ? '' : `,"personal":${personal}`;
  return `{"id":"${id}","type":${JSON.stringify(type)},"data":${data}${personalPart},"metadata":${metadata}}`;
}

function unavailable(cause: unknown): EventLogUnavailable {
  if (cause instanceof EventLogUnavailable) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new EventLogUnavailable(`no answer from PostgreSQL, the outcome is unknown: ${message}`, { cause });
}
