import type { CommandBus } from '@nestjs/cqrs';
import type { DeciderRuntime, EventLog } from '../event-store/index.js';
import { nameKey, Refused } from '../platform/index.js';
import type { Progress } from '../projections/index.js';
import { CreateTenant, type ExistingTenant, loadTenant, loadTenantName } from '../tenants/index.js';
import { EnsureUser } from '../users/index.js';
import { CreateWorkspace, loadWorkspaceTree, type Workspace, type WorkspaceTree } from '../workspaces/index.js';
import type { ImportContexts, Moment } from './import-contexts.js';
import type { TeamTree } from './teams.js';

/** The import can't go on as things are; what was carried out stays, and a later import goes on from there. */
export class ImportStopped extends Error {
  override readonly name = 'ImportStopped';
}

export interface DirectoryOptions {
  bus: CommandBus;
  runtime: DeciderRuntime;
  log: EventLog;
  progress: Progress;
  contexts: ImportContexts;
  teams: TeamTree;
  /** Of the external identities that persons get. */
  issuer: string;
  /** Undefined names the root workspace after its organisation. */
  rootWorkspaceName: string | undefined;
}

interface Organisation {
  tenantId: string;
  rootWorkspaceId: string;
  /** Team → workspace id. */
  workspaces: Map<string, string>;
}

const CATCH_UP_MS = 15_000;
/** The part of a ULID that does not depend on the time. */
const idPart = (id: string): string => id.slice(10);

/** Which tenant, workspace and user stand for an organisation, a team and a person; makes those that are missing. */
export class Directory {
  readonly created = { users: 0, tenants: 0, workspaces: 0 };
  private readonly organisations = new Map<string, Organisation>();
  private readonly users = new Map<string, string>();

  /** @param since head of the log when the import began: users from before are found, not created */
  constructor(
    private readonly options: DirectoryOptions,
    private readonly since: number,
  ) {}

  tenantOf(org: string): string | undefined {
    return this.organisations.get(org)?.tenantId;
  }

  workspaceOf(org: string, team: string): string | undefined {
    return this.organisations.get(org)?.workspaces.get(team);
  }

  userOf(person: string): string | undefined {
    return this.users.get(person);
  }

  async findOrganisation(org: string): Promise<void> {
    if (this.organisations.has(org)) return;
    const found = await this.activeTenant(org);
    if (found) this.remember(org, found.id, found.rootWorkspaceId);
  }

  async ensureOrganisation(org: string, moment: Moment): Promise<void> {
    await this.findOrganisation(org);
    if (this.organisations.has(org)) return;
    const { bus, contexts, rootWorkspaceName = org } = this.options;
    const tenantId = contexts.ulid(moment, 'tenant', org);
    const rootWorkspaceId = contexts.ulid(moment, 'root-workspace', org);
    const input = { tenantId, name: org, rootWorkspaceId, rootWorkspaceName, creatorId: null };
    try {
      await bus.execute(new CreateTenant(contexts.of(moment, 'tenant', org), input));
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'tenant-name-taken') throw error;
      return this.findLate(org);
    }
    this.remember(org, tenantId, rootWorkspaceId);
    this.created.tenants++;
  }

  async findTeam(org: string, team: string): Promise<void> {
    const organisation = this.organisations.get(org);
    if (!organisation || organisation.workspaces.has(team)) return;
    const { runtime, teams } = this.options;
    const parent = teams.parentOf(org, team);
    if (parent !== undefined) await this.findTeam(org, parent);
    const parentId = parent === undefined ? organisation.rootWorkspaceId : organisation.workspaces.get(parent);
    const tree = await loadWorkspaceTree(runtime, organisation.tenantId);
    const found = this.workspaceIn(tree, { organisation, team, parentId });
    if (found) organisation.workspaces.set(team, found.id);
  }

  async ensureTeam(org: string, team: string, moment: Moment): Promise<void> {
    await this.findTeam(org, team);
    const organisation = this.organisations.get(org)!;
    if (organisation.workspaces.has(team)) return;
    const { bus, contexts, teams } = this.options;
    const parent = teams.parentOf(org, team);
    if (parent !== undefined) await this.ensureTeam(org, parent, moment);
    const parentId = parent === undefined ? organisation.rootWorkspaceId : organisation.workspaces.get(parent)!;
    const { tenantId } = organisation;
    const workspaceId = contexts.ulid(moment, 'workspace', tenantId, team);
    const input = { workspaceId, tenantId, name: team, parentId, creatorId: null };
    await bus.execute(new CreateWorkspace(contexts.of(moment, 'workspace', tenantId, team), input));
    organisation.workspaces.set(team, workspaceId);
    this.created.workspaces++;
  }

  async ensureUser(person: string, moment: Moment): Promise<void> {
    if (this.users.has(person)) return;
    const { bus, contexts, issuer } = this.options;
    const externalIdentity = { issuer, subject: person };
    const userId = contexts.ulid(moment, 'user', issuer, person);
    const input = { userId, externalIdentity, profile: { displayName: person } };
    const { resource, position } = await bus.execute(new EnsureUser(contexts.of(moment, 'user', person), input));
    this.users.set(person, resource.id);
    if (position > this.since) this.created.users++;
  }

  private remember(org: string, tenantId: string, rootWorkspaceId: string): void {
    this.organisations.set(org, { tenantId, rootWorkspaceId, workspaces: new Map() });
  }

  /** The name is taken by a tenant without a row: one that somebody made just now, or that is being deleted. */
  private async findLate(org: string): Promise<void> {
    const { log, progress } = this.options;
    await progress.waitFor('projected', await log.head(), CATCH_UP_MS);
    await this.findOrganisation(org);
    if (this.organisations.has(org)) return;
    throw new ImportStopped(
      `the name "${org}" belongs to a tenant that is being deleted: import again when it is gone`,
    );
  }

  private async activeTenant(org: string): Promise<ExistingTenant | undefined> {
    const { runtime } = this.options;
    const name = await loadTenantName(runtime, org);
    if (name.status !== 'held') return undefined;
    const tenant = await loadTenant(runtime, name.tenantId);
    return tenant.status === 'active' && nameKey(tenant.name) === nameKey(org) ? tenant : undefined;
  }

  /** The workspace an import made for the team, wherever it is by now; else one with its name below its parent. */
  private workspaceIn(
    tree: WorkspaceTree,
    { organisation, team, parentId }: { organisation: Organisation; team: string; parentId: string | undefined },
  ): Workspace | undefined {
    const own = idPart(
      this.options.contexts.ulid({ at: '1970-01-01T00:00:00.000Z' }, 'workspace', organisation.tenantId, team),
    );
    const workspaces = [...tree.workspaces.values()];
    return (
      workspaces.find(({ id }) => idPart(id) === own) ??
      workspaces.find((workspace) => workspace.parentId === parentId && nameKey(workspace.name) === nameKey(team))
    );
  }
}
