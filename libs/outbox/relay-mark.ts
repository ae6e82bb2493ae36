import { BEFORE_START } from '../event-store/index.js';
import { mustBeBare, mustExist, type SpiceDb, SpiceDbRefused, type Update } from '../authorization/index.js';

/**
 * Where a delivery stands: a position of the log, and how many updates of the next event went before,
 * as an event of more than one write (a deletion) is delivered in pieces.
 */
export interface Mark {
  position: number;
  piece: number;
  /** Of the event at the position, where it is known: tells whether this log is the one that was delivered. */
  eventId?: string;
}

export const MARK_TYPE = 'relay_mark';
const START = 'start';

const resource = (partition: number): string => `${MARK_TYPE}:p${partition}`;

function tuple(partition: number, { position, piece, eventId }: Mark): string {
  const place = position < 0 ? START : String(position);
  const id = (piece === 0 ? place : `${place}-${piece}`) + (eventId === undefined ? '' : `_${eventId}`);
  return `${resource(partition)}#position@${MARK_TYPE}:${id}`;
}

/** The mark that a relationship is. */
export function parseMark(of: string): Mark {
  const id = of.split('@')[1]!.slice(MARK_TYPE.length + 1);
  const [, place = '', piece = '0', eventId] = /^(\w*?)(?:-(\d+))?(?:_([\w-]+))?$/.exec(id) ?? [];
  const position = /^\d+$/.test(place) ? Number(place) : BEFORE_START;
  return { position, piece: Number(piece), ...(eventId !== undefined && { eventId }) };
}

export function isSameMark(left: Mark | undefined, right: Mark | undefined): boolean {
  return left?.position === right?.position && left?.piece === right?.piece && left?.eventId === right?.eventId;
}

/** The mark as SpiceDB has it now; undefined where none was ever written, or SpiceDB does not even know marks. */
export async function readMark(spicedb: SpiceDb, partition: number): Promise<Mark | undefined> {
  try {
    for await (const page of spicedb.readAll(MARK_TYPE, `p${partition}`)) return parseMark(page[0]!.tuple);
  } catch (error) {
    if (!(error instanceof SpiceDbRefused)) throw error;
  }
  return undefined;
}

/**
 * One write that also moves the mark, refused unless the mark stands at `from`: a late or repeated write changes nothing.
 * @param from undefined where there is no mark yet
 * @returns the ZedToken of the write
 */
export function writeUnderMark(
  spicedb: SpiceDb,
  partition: number,
  move: { from: Mark | undefined; to: Mark },
  updates: readonly Update[],
): Promise<string> {
  const to = tuple(partition, move.to);
  const moved: Update[] = [{ operation: 'touch', tuple: to, expiresAt: null }];
  if (!move.from) return spicedb.write([...updates, ...moved], [mustBeBare(resource(partition))]);
  const from = tuple(partition, move.from);
  if (from !== to) moved.push({ operation: 'delete', tuple: from, expiresAt: null });
  return spicedb.write([...updates, ...moved], [mustExist(from)]);
}
