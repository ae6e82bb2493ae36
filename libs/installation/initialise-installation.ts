import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { type Clock, type Config, derivedUuid, type Ids, Refused } from '../platform/index.js';
import { FollowUps } from '../projections/index.js';
import { CreateTenant, loadTenant } from '../tenants/index.js';
import { initialise, type Installation } from './installation.decider.js';
import { executeOnInstallation } from './installation-stream.js';

/** The installation cannot be set up as it is configured. */
export class InstallationFailed extends Error {
  override readonly name = 'InstallationFailed';
}

export interface Initialised extends Pick<Installation, 'adminUserId' | 'defaultTenantId' | 'rootWorkspaceId'> {
  /** Whether this start did it; false where it was there already. */
  created: boolean;
  /** From which on everybody can see it. */
  position: number;
}

/** Decides once what every installation has; afterwards only completes what a crash interrupted. */
export class InitialiseInstallation extends Command<Initialised> {
  constructor(
    readonly context: CommandContext,
    readonly input: Installation,
  ) {
    super();
  }
}

@CommandHandler(InitialiseInstallation)
export class InitialiseInstallationHandler implements ICommandHandler<InitialiseInstallation> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
    private readonly followUps: FollowUps,
  ) {}

  async execute({ context, input }: InitialiseInstallation): Promise<Initialised> {
    const decided = await this.decide(context, input, input.adminUserId);
    const installation = decided.state.initialised!;
    const { adminUserId, defaultTenantId, rootWorkspaceId } = installation;
    const tenant = await loadTenant(this.runtime, defaultTenantId);
    const complete = tenant.status !== 'absent';
    const position = complete ? decided.position : await this.complete(context, input, installation);
    return { adminUserId, defaultTenantId, rootWorkspaceId, created: decided.events.length > 0, position };
  }

  /**
   * Of instances that start at once each asks for an installation of its own, as a command of its own: one that the
   * log took for a repeat of another's would believe that its own ids are stored. With the id of the admin that is
   * stored it is a repeat, and answers with the event.
   */
  private decide(context: CommandContext, input: Installation, adminUserId: string) {
    const commandId = derivedUuid('installation', 'initialise', adminUserId);
    return executeOnInstallation(this.runtime, { ...context, commandId }, (state) =>
      initialise({ ...input, at: context.at }, state),
    );
  }

  private async complete(context: CommandContext, wanted: Installation, stored: Installation): Promise<number> {
    const { events, position } = await this.decide(context, wanted, stored.adminUserId);
    try {
      return await this.followUps.run(events, position);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'tenant-name-taken') throw error;
      return this.createTenantNamed(wanted.defaultTenantName, { context, stored });
    }
  }

  /** The first start was configured with a name that another tenant holds; now it may be another. */
  private async createTenantNamed(
    name: string,
    { context, stored }: { context: CommandContext; stored: Installation },
  ): Promise<number> {
    const { defaultTenantId: tenantId, rootWorkspaceId, rootWorkspaceName, adminUserId: creatorId } = stored;
    const input = { tenantId, name, rootWorkspaceId, rootWorkspaceName, creatorId };
    try {
      return (await this.bus.execute(new CreateTenant(stepContext(context, 'default-tenant'), input))).position;
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'tenant-name-taken') throw error;
      throw new InstallationFailed(
        `the default tenant can't be named "${name}": another tenant has the name. ` +
          'Set DEFAULT_TENANT_NAME to a free name and start again.',
        { cause: error },
      );
    }
  }
}

/** What each start does before it serves; it may run in any number of processes at once. */
export async function initialiseInstallation(
  bus: CommandBus,
  config: Pick<Config, 'defaultTenantName' | 'defaultWorkspaceName'>,
  clock: Clock,
  ids: Ids,
): Promise<Initialised> {
  const now = clock.now();
  const { defaultTenantName, defaultWorkspaceName: rootWorkspaceName = defaultTenantName } = config;
  const [adminUserId, defaultTenantId, rootWorkspaceId] = [ids.ulid(now), ids.ulid(now), ids.ulid(now)];
  const installation = { adminUserId, defaultTenantId, defaultTenantName, rootWorkspaceId, rootWorkspaceName };
  const context: CommandContext = {
    commandId: ids.uuid(),
    actor: { type: 'system', id: 'installation' },
    authentication: 'system',
    correlationId: ids.uuid(),
    causationId: null,
    at: now.toISOString(),
  };
  return bus.execute(new InitialiseInstallation(context, installation));
}
