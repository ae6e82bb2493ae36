import { CommandBus } from '@nestjs/cqrs';
import type { Command } from 'commander';
import { BootstrapAdmin } from '../../libs/installation/index.js';
import { listParked, SettleParked } from '../../libs/parking/index.js';
import { EXIT, print, table } from './output.js';
import { operatorContext, type OperatorSession } from './session.js';
import type { WithSession } from './store-commands.js';

interface Json {
  json?: boolean;
}
interface Who extends Json {
  operator: string;
}
const OPERATOR = ['--operator <name>', 'who does it', process.env['USER'] ?? 'operator'] as const;

/** Commands about what is parked. */
export function addParkedCommands(program: Command, withSession: WithSession): void {
  const parked = program.command('parked').description('what SpiceDB or a read model refused, and what becomes of it');
  parked
    .command('list')
    .description('list what is parked; exits with 1 where something is')
    .option('--all', 'also what is settled')
    .option('--json', 'print it as JSON')
    .action(({ all, json }: Json & { all?: boolean }) =>
      withSession(async ({ runtime }) => {
        const items = await listParked(runtime.pool, { all });
        const rows = items.map((item) => [
          item.id,
          item.status,
          item.eventType,
          item.tuple ?? 'whole event',
          item.error,
        ]);
        print(json, { items }, () =>
          items.length > 0 ? table([['id', 'status', 'event', 'relationship', 'why'], ...rows]) : 'Nothing is parked.',
        );
        return items.some(({ status }) => status === 'parked') ? EXIT.failed : EXIT.done;
      }),
    );
  for (const action of ['retry', 'discard'] as const) {
    parked
      .command(`${action} <id>`)
      .description(
        action === 'retry' ? 'deliver the relationship again, as it is wanted now' : 'settle it without trying again',
      )
      .option(...OPERATOR)
      .option('--json', 'print the outcome as JSON')
      .action((id: string, flags: Who) => withSession((session) => settle(session, { id, action, ...flags })));
  }
}

async function settle(
  { runtime, context }: OperatorSession,
  { id: parkedId, action, operator, json }: Who & { id: string; action: 'retry' | 'discard' },
): Promise<number> {
  const command = new SettleParked(operatorContext(runtime, operator), { parkedId, action, operator });
  const { position } = await context.get(CommandBus).execute(command);
  print(json, { parkedId, action, position }, () => `${parkedId}: ${action} is on the record at ${position}.`);
  return EXIT.done;
}

interface AdminFlags extends Who {
  issuer: string;
  subject: string;
  displayName?: string;
}

/** The command that makes the first admin of an installation. */
export function addAdminCommand(program: Command, withSession: WithSession): void {
  program
    .command('bootstrap-admin')
    .description('make the user with an external identity a system admin, and the user too where there is none')
    .requiredOption('--issuer <issuer>', 'who vouches for the identity')
    .requiredOption('--subject <subject>', 'the identity, as the issuer names it')
    .option('--display-name <name>', 'how the user is shown')
    .option(...OPERATOR)
    .option('--json', 'print the user as JSON')
    .action((flags: AdminFlags) => withSession((session) => bootstrapAdmin(session, flags)));
}

async function bootstrapAdmin({ runtime, context }: OperatorSession, flags: AdminFlags): Promise<number> {
  const { issuer, subject, displayName, operator, json } = flags;
  const userId = runtime.ids.ulid(runtime.clock.now());
  const input = { userId, externalIdentity: { issuer, subject }, ...(displayName !== undefined && { displayName }) };
  const { resource } = await context
    .get(CommandBus)
    .execute(new BootstrapAdmin(operatorContext(runtime, operator), input));
  print(json, resource, () => `User ${resource.userId} is a system admin.`);
  return EXIT.done;
}
