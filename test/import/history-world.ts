import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CommandBus } from '@nestjs/cqrs';
import { SpiceDb } from '../../libs/authorization/index.js';
import { projectPath } from '../../libs/embedded/index.js';
import { BEFORE_START, DeciderRuntime, type StoredEvent } from '../../libs/event-store/index.js';
import {
  importMembershipHistory,
  type ImportOptions,
  type ImportSummary,
  linesOfFile,
  type Team,
  teamsOfFile,
} from '../../libs/membership-import/index.js';
import { generateMembershipHistory, type Membership } from '../../libs/testing/membership-history.js';
import type { TestApp } from '../../libs/testing/test-app.js';
import { checkInvariants } from '../../libs/verification/index.js';

/** A membership as one text: organisation, team, role and person. */
export type Held = string;
export interface History {
  name: string;
  lines: () => AsyncIterable<string>;
  teams: readonly Team[];
  final: Held[];
}
export interface HistoryLine extends Membership {
  change: number;
  at: string;
  op: 'grant' | 'revoke';
}

export const ISSUER = 'membership-history';

/** The real one where it lies beside the project, else one that is made up. */
export async function someHistory(): Promise<History> {
  const folder = projectPath('../shared/data');
  const history = join(folder, 'kubernetes-membership-2018-2021.jsonl.gz');
  if (!existsSync(history)) return generatedHistory(20_210, { changes: 400, orgs: 5, teams: 30, people: 500 });
  const final: Held[] = [];
  for await (const line of linesOfFile(join(folder, 'kubernetes-membership-2021-final.jsonl.gz'))) {
    if (line !== '') final.push(held(JSON.parse(line) as Membership));
  }
  const teams = await teamsOfFile(join(folder, 'kubernetes-teams.json'));
  return { name: 'the real history', lines: () => linesOfFile(history), teams, final: final.sort() };
}

export function generatedHistory(seed: number, size: Parameters<typeof generateMembershipHistory>[1]): History {
  const { lines, teams, final } = generateMembershipHistory(seed, size);
  return { name: `history ${seed}`, lines: () => streamOf(lines), teams, final: final.map(held).sort() };
}

export async function* streamOf(lines: readonly (string | object)[]): AsyncGenerator<string> {
  for (const line of lines) yield typeof line === 'string' ? line : JSON.stringify(line);
}

export async function allLines({ lines }: Pick<History, 'lines'>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines()) all.push(line);
  return all;
}

export function held({ org, team, role, person }: Membership): Held {
  return JSON.stringify([org, team, role, person]);
}

export function importInto(
  { runtime, app }: Pick<TestApp, 'runtime' | 'app'>,
  { lines, teams }: Pick<History, 'lines' | 'teams'>,
  options: Partial<ImportOptions> = {},
): Promise<ImportSummary> {
  const { log, progress, clock } = runtime;
  return importMembershipHistory({
    ...{ log, progress, clock, teams, issuer: ISSUER, rootWorkspaceName: undefined },
    bus: app.get(CommandBus),
    runtime: app.get(DeciderRuntime),
    history: lines,
    ...options,
  });
}

/** What SpiceDB says of the roles in tenants and workspaces, in the words of the history; without root workspaces. */
export async function rolesInSpiceDb(app: TestApp): Promise<Held[]> {
  await app.settled();
  const { tenants, workspaces, persons } = await names(app);
  const found: Held[] = [];
  for (const type of ['tenant', 'workspace'] as const) {
    for await (const page of app.runtime.spicedb.readAll(type)) {
      for (const { tuple } of page) {
        const match = /^(?:tenant|workspace):(\w+)#(admin|editor|member)@user:(\w+)$/.exec(tuple);
        if (!match) continue;
        const [, id, role, userId] = match as unknown as [string, string, string, string];
        const person = persons.get(userId) ?? userId;
        if (type === 'tenant' && id !== app.installation.defaultTenantId) {
          found.push(JSON.stringify([tenants.get(id), '', role, person]));
        }
        const workspace = workspaces.get(id);
        if (type === 'tenant' || workspace?.parent_id === null) continue;
        const teamRole = role === 'admin' ? 'maintainer' : role;
        found.push(JSON.stringify([tenants.get(workspace?.tenant_id ?? ''), workspace?.name, teamRole, person]));
      }
    }
  }
  return found.sort();
}

export interface WorkspaceRow {
  id: string;
  tenant_id: string;
  name: string;
  parent_id: string | null;
}

export async function names({ runtime: { pool } }: TestApp) {
  const tenants = await pool.query<{ id: string; name: string }>('select id, name from tenant');
  const workspaces = await pool.query<WorkspaceRow>('select id, tenant_id, name, parent_id from workspace');
  const users = await pool.query<{ id: string; external_subject: string }>(
    'select id, external_subject from app_user where issuer = $1',
    [ISSUER],
  );
  return {
    tenants: new Map(tenants.rows.map(({ id, name }) => [id, name])),
    workspaces: new Map(workspaces.rows.map((row) => [row.id, row])),
    persons: new Map(users.rows.map((row) => [row.id, row.external_subject])),
  };
}

export async function eventsAfter({ runtime: { log } }: TestApp, position = BEFORE_START): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  for (let after = position; ; after = found.at(-1)!.position) {
    const page = await log.readAll(after, 2_000);
    if (page.length === 0) break;
    found.push(...page);
  }
  // Published by the relay from time to time, whatever else happens.
  return found.filter(({ type }) => type !== 'audit-heads-published.v1');
}

/** @returns what is not as the log says it must be */
export async function faultsOf({ runtime }: TestApp): Promise<unknown[]> {
  const { log, pool, spicedb, domain } = runtime;
  const { checks, parked } = await checkInvariants({ log, pool, spicedb: spicedb as SpiceDb, domain, partition: 0 });
  return [...checks.filter(({ ok }) => !ok), ...parked.rows];
}
