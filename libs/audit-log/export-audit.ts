import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { Pool } from 'pg';
import { inTransaction } from '../platform/index.js';
import { type ChainHead, chainHeads } from './audit-heads.js';
import type { AuditMapping } from './audit-rendering.js';
import { readAuditRows } from './audit-rows.js';
import { type AuditRow, type ChainReport, ChainVerifier } from './verify-chain.js';

const EXPORT_FORMAT = 'countersign-audit-export.v1';

/** The first line of an export. */
export interface ExportHeader {
  format: typeof EXPORT_FORMAT;
  exportedAt: string;
  /** Ends of the chains in it. */
  heads: ChainHead[];
}

export interface ExportOptions {
  pool: Pool;
  /** Gets JSON lines, and is ended. */
  to: Writable;
  exportedAt: Date;
  /** All of them unless told. */
  chain?: string;
  gzip?: boolean;
}

export interface ExportReport extends ChainReport {
  /** Undefined where the first line is none. */
  exportedAt: string | undefined;
  /** Numbers of the first lines that are no entries. */
  unreadable: number[];
}

const MOST_UNREADABLE = 50;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** Writes everything that is needed to verify the trail without this system. */
export async function exportAudit({ pool, to, exportedAt, chain, gzip = false }: ExportOptions): Promise<void> {
  await inTransaction(
    pool,
    async (client) => {
      await client.query('set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0');
      const heads = (await chainHeads(client)).filter((head) => chain === undefined || head.chain === chain);
      const header: ExportHeader = { format: EXPORT_FORMAT, exportedAt: exportedAt.toISOString(), heads };
      const lines = Readable.from(toLines(header, readAuditRows(client, 'chain', chain)));
      await (gzip ? pipeline(lines, createGzip(), to) : pipeline(lines, to));
    },
    'repeatable read',
  );
}

async function* toLines(header: ExportHeader, rows: AsyncIterable<AuditRow>): AsyncGenerator<string> {
  yield `${JSON.stringify(header)}\n`;
  for await (const row of rows) yield `${JSON.stringify(row)}\n`;
}

/** The ends of the chains in an export, compressed or not; undefined where its first line is not that of an export. */
export async function readExportHeads(stream: AsyncIterable<Buffer | string>): Promise<ChainHead[] | undefined> {
  for await (const line of linesOf(stream)) return line === undefined ? undefined : headerOf(parse(line))?.heads;
  return undefined;
}

/**
 * Verifies an export, compressed or not.
 * @param options heads from another place, such as an earlier export: honoured together with those in the file
 */
export async function verifyExport(
  stream: AsyncIterable<Buffer | string>,
  options: { heads?: Iterable<ChainHead>; mapping?: AuditMapping } = {},
): Promise<ExportReport> {
  const unreadable: number[] = [];
  let header: ExportHeader | undefined;
  let verifier: ChainVerifier | undefined;
  let number = 0;
  for await (const line of linesOf(stream)) {
    number++;
    const parsed = line === undefined ? undefined : parse(line);
    if (!verifier) {
      header = headerOf(parsed);
      const chains = header && new Set(header.heads.map(({ chain }) => chain));
      verifier = new ChainVerifier({ ...options, chains, heads: [...(options.heads ?? []), ...(header?.heads ?? [])] });
      if (header) continue;
    }
    if (isEntry(parsed)) verifier.add(parsed);
    else if (unreadable.length < MOST_UNREADABLE) unreadable.push(number);
  }
  verifier ??= new ChainVerifier(options);
  return { ...verifier.finish(), exportedAt: header?.exportedAt, unreadable };
}

/** Whether an export is whole and unchanged. */
export function isIntact({ count, unreadable, exportedAt }: ExportReport): boolean {
  return count === 0 && unreadable.length === 0 && exportedAt !== undefined;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function headerOf(parsed: unknown): ExportHeader | undefined {
  const header = parsed as Partial<ExportHeader> | null | undefined;
  if (header?.format !== EXPORT_FORMAT || !Array.isArray(header.heads)) return undefined;
  return header.heads.every((head) => typeof head?.chain === 'string') ? (header as ExportHeader) : undefined;
}

function isEntry(parsed: unknown): parsed is AuditRow {
  const entry = parsed as Partial<AuditRow> | null | undefined;
  return (
    typeof entry?.chain === 'string' &&
    Number.isSafeInteger(entry.sequence) &&
    // What is shown is only verified of entries that have one.
    Number.isSafeInteger(entry.position) &&
    typeof entry.event === 'string' &&
    typeof entry.hash === 'string'
  );
}

/** The lines of a file; undefined for what comes after the end of a compressed file that was cut. */
async function* linesOf(stream: AsyncIterable<Buffer | string>): AsyncGenerator<string | undefined> {
  let rest = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of await unpacked(stream)) {
      rest += decoder.decode(chunk, { stream: true });
      const lines = rest.split('\n');
      rest = lines.pop()!;
      yield* lines;
    }
  } catch (error) {
    if (!(error as { code?: string }).code?.startsWith('Z_')) throw error;
    return yield undefined;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

async function unpacked(stream: AsyncIterable<Buffer | string>): Promise<AsyncIterable<Buffer>> {
  const chunks = stream[Symbol.asyncIterator]();
  const first = await chunks.next();
  const whole = buffers(first, chunks);
  const packed = !first.done && GZIP_MAGIC.every((byte, index) => Buffer.from(first.value)[index] === byte);
  if (!packed) return whole;
  const gunzip = createGunzip();
  // Its errors are those of reading `gunzip`.
  pipeline(Readable.from(whole), gunzip).catch(() => undefined);
  return gunzip;
}

async function* buffers(
  first: IteratorResult<Buffer | string>,
  rest: AsyncIterator<Buffer | string>,
): AsyncGenerator<Buffer> {
  for (let chunk = first; !chunk.done; chunk = await rest.next()) yield Buffer.from(chunk.value);
}
