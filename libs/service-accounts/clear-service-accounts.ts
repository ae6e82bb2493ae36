import { Inject } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { KYSELY } from '../edge/index.js';
import { type CommandContext, DeciderRuntime, stepContext } from '../event-store/index.js';
import { forEachOf, type Positioned } from '../projections/index.js';
import { loadTenant } from '../tenants/index.js';
import { DeleteServiceAccount } from './change-service-account.js';
import type { ServiceAccountTables } from './list-service-accounts.js';
import type { ServiceAccountKey } from './service-account-stream.js';

/** Deletes every service account of a tenant that is being deleted. */
export class ClearServiceAccounts extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: { tenantId: string; position: number },
  ) {
    super();
  }
}

@CommandHandler(ClearServiceAccounts)
export class ClearServiceAccountsHandler implements ICommandHandler<ClearServiceAccounts> {
  constructor(
    private readonly bus: CommandBus,
    @Inject(KYSELY) private readonly db: Kysely<ServiceAccountTables>,
  ) {}

  async execute({ context, input: { tenantId, position } }: ClearServiceAccounts): Promise<Positioned> {
    // Rows that lag behind may not name all of them: the relay's process comes later, and finds them there.
    const rows = await this.db
      .selectFrom('service_account')
      .select('id as serviceAccountId')
      .where('tenant_id', '=', tenantId)
      .orderBy('id')
      .execute();
    return forEachOf(rows, position, ({ serviceAccountId }) => {
      const input = { tenantId, serviceAccountId, reason: 'tenant-deleted' as const };
      return this.bus.execute(new DeleteServiceAccount(stepContext(context, serviceAccountId), input));
    });
  }
}

/** Deletes a service account that was created while its tenant was being deleted. */
export class DeleteOrphanedServiceAccount extends Command<Positioned> {
  constructor(
    readonly context: CommandContext,
    readonly input: ServiceAccountKey & { position: number },
  ) {
    super();
  }
}

@CommandHandler(DeleteOrphanedServiceAccount)
export class DeleteOrphanedServiceAccountHandler implements ICommandHandler<DeleteOrphanedServiceAccount> {
  constructor(
    private readonly runtime: DeciderRuntime,
    private readonly bus: CommandBus,
  ) {}

  async execute({ context, input }: DeleteOrphanedServiceAccount): Promise<Positioned> {
    const { tenantId, serviceAccountId } = input;
    if ((await loadTenant(this.runtime, tenantId)).status === 'active') return input;
    const deletion = { tenantId, serviceAccountId, reason: 'tenant-deleted' as const };
    return this.bus.execute(new DeleteServiceAccount(context, deletion));
  }
}
