import { type SpiceDb, SpiceDbRefused, type Update } from '../authorization/index.js';
import { BEFORE_START, type CommandContext, stepContext } from '../event-store/index.js';
import { isAuditHead } from '../audit-log/index.js';
import { isSameMark, type Mark, readMark, writeUnderMark } from '../outbox/index.js';
import { systemClock } from '../platform/index.js';
import { type CheckOptions, followOn } from './check-invariants.js';
import { isSkipped } from './check-spicedb.js';
import { compareSpiceDb, type SpiceDbDifference } from './compare-spicedb.js';
import { isForeign } from './foreign-mark.js';
import { poisonOf, readParked } from './read-parked.js';
import { recordRepair } from './record-repair.js';
import { REPAIRED } from './repairs.noun.js';
import { ownTypes } from './schema-types.js';
import { basisOf, type FoundMark, settledStanding, type Standing } from './standing.js';
import { Moving, readLog, Truth } from './truth.js';

export interface RepairOptions extends CheckOptions {
  /** Of the operator's command. */
  context: CommandContext;
}

export interface RepairReport {
  missing: number;
  extra: number;
  /** What SpiceDB refuses to hold. */
  refused: { tuple: string; error: string }[];
  /** Of the event that says so; null where nothing was to be done. */
  position: number | null;
}

/** The relay delivered something in between: what is to be repaired must be looked at again. */
class MarkMoved extends Error {
  override readonly name = 'MarkMoved';
}

const MOST_ATTEMPTS = 20;
const MOST_UPDATES = 900;
const TUPLES_RECORDED = 100;

/** Makes SpiceDB hold what is wanted, while the relay may be running; what is done is put on the record first. */
export async function repairRelationships(options: RepairOptions): Promise<RepairReport> {
  const report: RepairReport = { missing: 0, extra: 0, refused: [], position: null };
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const plan = await planRepair(options);
    if (!plan) return report;
    report.missing += plan.missing;
    report.extra += plan.extra;
    report.position = await record(options, stepContext(options.context, `repair-${attempt}`), plan);
    try {
      report.refused = await new Repair(options.spicedb, options.partition, plan.mark).carryOut(plan);
      return report;
    } catch (error) {
      if (!(error instanceof MarkMoved)) throw error;
    }
  }
  throw new Error('the relay kept moving the mark: repair again when less is going on');
}

interface Plan {
  missing: number;
  extra: number;
  /** Deletes first. */
  updates: Update[];
  /** Where the mark stands, and where it should. */
  mark: Mark | undefined;
  to: Mark;
}

/** @returns undefined where there is nothing to do */
async function planRepair(options: RepairOptions): Promise<Plan | undefined> {
  const { log, pool, spicedb, domain, partition, clock = systemClock, types = await ownTypes() } = options;
  const standing = await settledStanding(options);
  const parked = await readParked(pool, partition);
  const truth = new Truth(domain, poisonOf(parked));
  const [mark, ...strays] = byTrust(standing);
  const foreign = mark !== undefined && (await isForeign(options, mark, standing.checkpoint));
  const moving = new Moving(basisOf(foreign ? { ...standing, marks: [] } : standing));
  const delivered: Mark = { position: standing.delivered, piece: 0 };
  let skipped = false;
  for await (const event of readLog(log, BEFORE_START, standing.checkpoint)) {
    if (event.position === delivered.position && !isAuditHead(event.type)) delivered.eventId = event.id;
    const changes = truth.applyToRelationships(event);
    moving.note(changes);
    skipped ||= changes.some((change) => isSkipped(change, { ...standing, marks: mark ? [mark] : [] }));
  }
  const compared = { spicedb, types, relationships: truth.relationships, moving, parked, clock };
  const difference = await compareSpiceDb(compared, async () => {
    await followOn(options, truth, moving, standing.checkpoint);
  });
  const updates = [...strays.map(({ tuple }) => deletion(tuple)), ...updatesOf(difference)];
  const lost = mark === undefined && standing.before.everWritten;
  const to = !mark || skipped || foreign ? delivered : mark;
  if (updates.length === 0 && !skipped && !foreign && !lost) return undefined;
  const { missing, wrongEnd, extra } = difference;
  return { missing: missing.length + wrongEnd.length, extra: extra.length, updates, mark, to };
}

/** The mark to go on from: the furthest that is noted as delivered. Any other is a stray. */
function byTrust({ marks, delivered }: Standing): FoundMark[] {
  const believed = (mark: FoundMark): number => (mark.position <= delivered ? mark.position : BEFORE_START);
  return [...marks].sort((a, b) => believed(b) - believed(a));
}

function updatesOf({ missing, wrongEnd, extra }: SpiceDbDifference): Update[] {
  const updates = [...missing, ...wrongEnd, ...extra].map(({ tuple, wanted }): Update => {
    return wanted === undefined ? deletion(tuple) : { operation: 'touch', tuple, expiresAt: wanted };
  });
  return updates.sort((a, b) => (a.operation < b.operation ? -1 : a.operation > b.operation ? 1 : 0));
}

function deletion(tuple: string): Update {
  return { operation: 'delete', tuple, expiresAt: null };
}

function record(
  options: Pick<CheckOptions, 'log' | 'domain'>,
  context: CommandContext,
  { missing, extra, updates }: Plan,
): Promise<number> {
  const tuples = updates.slice(0, TUPLES_RECORDED).map(({ operation, tuple }) => ({ operation, tuple }));
  return recordRepair(options, context, { type: REPAIRED, data: { missing, extra, tuples } });
}

class Repair {
  private readonly refused: RepairReport['refused'] = [];

  constructor(
    private readonly spicedb: SpiceDb,
    private readonly partition: number,
    private mark: Mark | undefined,
  ) {}

  /** @throws MarkMoved when somebody else writes, too */
  async carryOut({ updates, to }: Plan): Promise<RepairReport['refused']> {
    for (let start = 0; start < updates.length; start += MOST_UPDATES) {
      // An emptied SpiceDB has everything only after the last write: until then its mark stands at the start.
      await this.write(updates.slice(start, start + MOST_UPDATES), this.mark ?? { position: BEFORE_START, piece: 0 });
    }
    if (!this.mark || !isSameMark(this.mark, to)) await this.write([], to);
    return this.refused;
  }

  private async write(updates: readonly Update[], to: Mark): Promise<void> {
    try {
      await writeUnderMark(this.spicedb, this.partition, { from: this.mark, to }, updates);
      this.mark = to;
    } catch (error) {
      if (!(error instanceof SpiceDbRefused)) throw error;
      if (!isSameMark(await readMark(this.spicedb, this.partition), this.mark)) throw new MarkMoved();
      await this.isolate(updates, to, error);
    }
  }

  private async isolate(updates: readonly Update[], to: Mark, error: SpiceDbRefused): Promise<void> {
    const [update] = updates;
    if (!update) throw error;
    if (updates.length === 1) return void this.refused.push({ tuple: update.tuple, error: error.message });
    const middle = Math.ceil(updates.length / 2);
    await this.write(updates.slice(0, middle), to);
    await this.write(updates.slice(middle), to);
  }
}
