import { createReadStream, rmSync, statSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Command } from 'commander';
import {
  type ChainHead,
  exportAudit,
  type ExportReport,
  isIntact,
  readExportHeads,
  verifyExport,
} from '../../libs/audit-log/index.js';
import { normaliseUlid } from '../../libs/platform/index.js';
import { buildDomain, UsageError } from '../../libs/wiring/index.js';
import { EXIT, print, ProgressBar } from './output.js';
import type { OperatorSession } from './session.js';
import type { WithSession } from './store-commands.js';

interface ExportFlags {
  out?: string;
  chain?: string;
  gzip?: boolean;
  json?: boolean;
}
interface VerifyFlags {
  heads?: string;
  hashesOnly?: boolean;
  json?: boolean;
}

const EXPORT = `
For an auditor, or to keep apart from the system: whoever has an export can tell later whether the trail was changed
before its end. It holds names and addresses of persons; a file is made for its owner's eyes only, and appears when it
is complete. Without --out the trail goes to standard output, and --json has no effect.

Exits with 2 where there is no such chain.

  operator export-audit --out trail-2026-01.jsonl.gz --gzip
  operator export-audit --chain 01JQ0000000000000000000T01 | jq -c .`;

const VERIFY = `
Needs neither a database nor this installation. With --heads the ends of the chains in an earlier export are looked
for, so that a trail that was calculated anew, or cut, shows. Compressed files are read as they are.

The hashes cover the chain, the number and the event of each entry, and what is shown of it is compared with the event.
Of its position in the log only the order is covered; operator verify compares positions with the log itself.

Exits with 1 where an entry was changed, removed, doubled, moved or cut off.

  operator verify-export trail-2026-02.jsonl.gz --heads trail-2026-01.jsonl.gz`;

/** Commands about the audit trail outside of the system. */
export function addAuditCommands(
  program: Command,
  withSession: WithSession,
  run: (work: () => Promise<number>) => Promise<void>,
): void {
  program
    .command('export-audit')
    .description('write the audit trail as JSON lines, with all that is needed to verify it anywhere')
    .option('--out <file>', 'where to; standard output unless told')
    .option('--chain <tenant>', 'only this tenant, or "system"')
    .option('--gzip', 'compress it')
    .option('--json', 'print what was written as JSON')
    .addHelpText('after', EXPORT)
    .action((flags: ExportFlags) => withSession((session) => runExport(session, flags), { spiceDb: false }));
  program
    .command('verify-export <file>')
    .description('verify an exported trail, without a database')
    .option('--heads <file>', 'an earlier export whose ends must be in this one')
    .option('--hashes-only', 'leave out whether what is shown of an event is what this version shows of it')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', VERIFY)
    .action((file: string, flags: VerifyFlags) => run(() => runVerifyExport(file, flags)));
}

async function runExport({ runtime: { pool, clock } }: OperatorSession, flags: ExportFlags): Promise<number> {
  const { out, gzip = false } = flags;
  const chain = normaliseUlid(flags.chain) ?? flags.chain;
  const { rows } = await pool.query<{ entries: number }>(
    'select count(*) as entries from audit_entry where $1::text is null or chain = $1',
    [chain ?? null],
  );
  const { entries } = rows[0]!;
  if (chain !== undefined && entries === 0) throw new UsageError(`There are no entries of the chain ${chain}.`);
  const bar = new ProgressBar('exporting', out !== undefined && process.stderr.isTTY);
  const counted = new LineCounter((lines) => bar.show(lines, entries + 1));
  try {
    const write = async (to: Writable): Promise<void> => {
      const writing = gzip ? pipeline(counted, createGzip(), to) : pipeline(counted, to);
      await Promise.all([exportAudit({ pool, to: counted, exportedAt: clock.now(), chain }), writing]);
    };
    await (out === undefined ? write(standardOutput()) : toFile(out, write));
  } finally {
    bar.stop();
  }
  const exported = { file: out, entries: counted.lines - 1 };
  if (out !== undefined) print(flags.json, exported, () => `${exported.entries} entries are in ${out}.`);
  return EXIT.done;
}

const NEWLINE = 0x0a;

/** Passes everything on. */
class LineCounter extends Transform {
  lines = 0;

  constructor(private readonly onLines: (lines: number) => void) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error: null, chunk: Buffer) => void): void {
    for (const byte of chunk) if (byte === NEWLINE) this.lines++;
    this.onLines(this.lines);
    done(null, chunk);
  }
}

/** Standard output can't be ended. */
function standardOutput(): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      process.stdout.write(chunk, (error) => done(error ? new Error('Nobody read the output to its end.') : null));
    },
  });
}

async function toFile(file: string, write: (to: Writable) => Promise<void>): Promise<void> {
  const unfinished = `${file}.unfinished`;
  await rm(unfinished, { force: true });
  const opened = await open(unfinished, 'wx', 0o600);
  const { ino } = await opened.stat();
  const isOurs = async () => (await stat(unfinished).catch(() => undefined))?.ino === ino;
  const removeAtExit = (): void => {
    if (statSync(unfinished, { throwIfNoEntry: false })?.ino === ino) rmSync(unfinished);
  };
  process.once('exit', removeAtExit);
  try {
    await write(opened.createWriteStream());
    if (!(await isOurs())) throw new UsageError(`Another export to ${file} has begun meanwhile.`);
    await rename(unfinished, file);
  } catch (error) {
    if (await isOurs()) await rm(unfinished, { force: true });
    throw error;
  } finally {
    process.off('exit', removeAtExit);
  }
}

async function runVerifyExport(file: string, { heads, hashesOnly, json }: VerifyFlags): Promise<number> {
  const { size } = await stat(file).catch(() => {
    throw new UsageError(`There is no file ${file}.`);
  });
  const bar = new ProgressBar('verifying');
  const stream = createReadStream(file);
  stream.on('data', () => bar.show(stream.bytesRead, size));
  stream.pause();
  try {
    const report = await verifyExport(stream, {
      ...(heads !== undefined && { heads: await headsOf(heads) }),
      ...(!hashesOnly && { mapping: buildDomain().audit }),
    });
    bar.stop();
    const intact = isIntact(report);
    print(json, { intact, ...report }, () => describeExport(report));
    return intact ? EXIT.done : EXIT.failed;
  } finally {
    bar.stop();
  }
}

function describeExport(report: ExportReport): string {
  const { entries, chains, faults, count, exportedAt, unreadable } = report;
  const lines = [
    ...(exportedAt === undefined ? ['The first line is not that of an export.'] : []),
    ...(unreadable.length > 0 ? [`Lines that are no entries: ${unreadable.join(', ')}`] : []),
    ...faults.map(({ kind, chain, sequence, to, detail }) => {
      const place = to === undefined || to === sequence ? sequence : `${sequence}-${to}`;
      return `${kind}: ${chain}/${place}: ${detail}`;
    }),
    ...(count > faults.length ? [`… and ${count - faults.length} more`] : []),
  ];
  const what = `${entries} entries of ${chains} chains, exported ${exportedAt ?? 'at an unknown time'}`;
  return [...lines, `${what}: ${isIntact(report) ? 'whole and unchanged' : 'NOT as they were'}.`].join('\n');
}

async function headsOf(file: string): Promise<ChainHead[]> {
  const stream = createReadStream(file);
  const heads = await readExportHeads(stream)
    .catch((error: Error) => {
      throw new UsageError(`${file} can't be read: ${error.message}`);
    })
    .finally(() => stream.destroy());
  if (!heads) throw new UsageError(`${file} is no export of an audit trail: its first line has no heads.`);
  return heads;
}
