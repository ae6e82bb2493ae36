import { createHash } from 'node:crypto';
import { instantOf, isLine } from '../platform/index.js';

/** One membership that began or ended, as the history tells it. */
export interface HistoryLine {
  /** Of the file, from 1. */
  line: number;
  /** ISO 8601 UTC. */
  at: string;
  op: 'grant' | 'revoke';
  org: string;
  /** Empty for the organisation itself. */
  team: string;
  role: 'admin' | 'member' | 'maintainer';
  person: string;
}

/** What happened together. */
export interface Change {
  change: number;
  lines: readonly HistoryLine[];
  /** Names the history from its beginning up to this change: equal for files that begin the same. */
  digest: string;
}

export class MalformedHistory extends Error {
  override readonly name = 'MalformedHistory';
  constructor(
    readonly line: number,
    problem: string,
  ) {
    super(`line ${line} of the history: ${problem}`);
  }
}

const NAME_LENGTH = 255;
const ORG_ROLES: readonly unknown[] = ['admin', 'member'];
const TEAM_ROLES: readonly unknown[] = ['maintainer', 'member'];

/**
 * The changes of a history in JSON lines, in order. Empty lines are passed over.
 *
 * @param seed what the digests begin with: histories that are taken in differently have different ones
 * @throws MalformedHistory before it hands out the change that the line belongs to
 */
export async function* readChanges(history: AsyncIterable<string>, seed: string): AsyncGenerator<Change> {
  let digest = seed;
  let current: { change: number; lines: HistoryLine[] } | undefined;
  const finished = ({ change, lines }: { change: number; lines: HistoryLine[] }): Change => {
    digest = createHash('sha256')
      .update(JSON.stringify([digest, change, lines.map(contentOf)]))
      .digest('hex');
    return { change, lines, digest };
  };
  let line = 0;
  for await (const text of history) {
    line++;
    if (text.trim() === '') continue;
    const { change, ...parsed } = parseLine(text, line);
    if (current && change < current.change) {
      throw new MalformedHistory(line, `change ${change} comes after change ${current.change}`);
    }
    if (current && change > current.change) {
      yield finished(current);
      current = undefined;
    }
    current ??= { change, lines: [] };
    current.lines.push(parsed);
  }
  if (current) yield finished(current);
}

export function contentOf({ at, op, org, team, role, person }: HistoryLine): string[] {
  return [at, op, org, team, role, person];
}

function parseLine(text: string, line: number): HistoryLine & { change: number } {
  const { change, op, org, team, role, person, ...rest } = parseObject(text, line);
  const at = typeof rest.at === 'string' ? instantOf(rest.at) : undefined;
  const must = (holds: boolean, problem: string): void => {
    if (!holds) throw new MalformedHistory(line, problem);
  };
  must(Number.isSafeInteger(change) && (change as number) >= 0, 'change must be a whole number');
  must(at !== undefined, 'at must be a time in ISO 8601 with its zone');
  must(op === 'grant' || op === 'revoke', 'op must be grant or revoke');
  must(isName(org), 'org must be the name of an organisation');
  must(team === '' || isName(team), 'team must be the name of a team, or empty for the organisation itself');
  must(isName(person), 'person must be a name');
  const roles = team === '' ? ORG_ROLES : TEAM_ROLES;
  must(roles.includes(role), `role must be ${roles.join(' or ')} ${team === '' ? 'of an organisation' : 'of a team'}`);
  return { line, change, at, op, org, team, role, person } as HistoryLine & { change: number };
}

function parseObject(text: string, line: number): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new MalformedHistory(line, 'is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new MalformedHistory(line, 'is no JSON object');
  }
  return parsed as Record<string, unknown>;
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && isLine(value, NAME_LENGTH);
}
