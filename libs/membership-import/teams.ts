import { isName } from './history.js';

/** A team of the teams file; `parent` is empty for one at the top. */
export interface Team {
  org: string;
  team: string;
  parent: string;
}

export class MalformedTeams extends Error {
  override readonly name = 'MalformedTeams';
}

/** Which team is nested in which. */
export class TeamTree {
  private readonly parents = new Map<string, string>();

  /** @throws MalformedTeams */
  constructor(teams: readonly Team[]) {
    for (const { org, team, parent } of teams) {
      const key = keyOf(org, team);
      if (this.parents.has(key)) throw new MalformedTeams(`team ${team} of ${org} stands in the teams file twice`);
      this.parents.set(key, parent);
    }
    for (const { org, team } of teams) this.refuseCycle(org, team);
  }

  /** Undefined for a team at the top, and for one that nobody knows. */
  parentOf(org: string, team: string): string | undefined {
    return this.parents.get(keyOf(org, team)) || undefined;
  }

  private refuseCycle(org: string, team: string): void {
    const seen = new Set<string>();
    for (let at: string | undefined = team; at !== undefined; at = this.parentOf(org, at)) {
      if (seen.has(at)) throw new MalformedTeams(`team ${team} of ${org} is nested in itself`);
      seen.add(at);
    }
  }
}

/**
 * The teams of a teams file: a JSON array of `{org, team, parent}`.
 *
 * @throws MalformedTeams
 */
export function parseTeams(text: string): Team[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new MalformedTeams('the teams file is not JSON');
  }
  if (!Array.isArray(parsed)) throw new MalformedTeams('the teams file is no JSON array');
  return parsed.map(teamOf);
}

function teamOf(entry: unknown, index: number): Team {
  const { org, team, parent } = (entry ?? {}) as Partial<Record<keyof Team, unknown>>;
  const top = parent === undefined || parent === null || parent === '';
  if (!isName(org) || !isName(team) || !(top || isName(parent))) {
    throw new MalformedTeams(`team number ${index + 1} of the teams file must be {"org", "team", "parent"}`);
  }
  return { org, team, parent: top ? '' : parent };
}

function keyOf(org: string, team: string): string {
  return JSON.stringify([org, team]);
}
