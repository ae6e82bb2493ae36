import { CommandBus } from '@nestjs/cqrs';
import type { Command } from 'commander';
import { BootstrapAdmin } from '../../libs/installation/index.js';
import { listParked, SettleParked } from '../../libs/parking/index.js';
import { isSubject } from '../../libs/platform/index.js';
import { UsageError } from '../../libs/wiring/index.js';
import { EXIT, print, table } from './output.js';
import { isEffective, lineOf, operatorContext, type OperatorSession, operatorOption } from './session.js';
import type { WithSession } from './store-commands.js';

interface Json {
  json?: boolean;
}
interface Who extends Json {
  operator: string;
}
const WITHOUT_SPICEDB = { spiceDb: false };

const PARKED = `
The relay parks what it can't do and goes on: a relationship that SpiceDB refuses, or an event that this version can't
apply. A removal is never held back by it.`;

const LIST = `
Exits with 1 where something waits for a decision.

  operator parked list --json | jq -r '.items[].id'`;

const RETRY = `
A relationship is delivered again as it is wanted now, or removed where nothing wants it any more: do it when the reason
is gone, such as after operator migrate. An event counts from here on, once a version runs that can apply it; it has its
effect with:

  operator replay all
  operator replay relationships
  operator repair

Exits with 1 where SpiceDB refuses the relationship again, or this version can't apply the event either.`;

const DISCARD = `
For what is no longer wanted, or was done by other commands. It stays on the record, and is not listed any more.`;

/** Commands about what is parked. */
export function addParkedCommands(program: Command, withSession: WithSession): void {
  const parked = program
    .command('parked')
    .description('what SpiceDB or a read model refused, and what becomes of it')
    .addHelpText('after', PARKED);
  parked
    .command('list')
    .description('list what is parked')
    .option('--all', 'also what is settled')
    .option('--json', 'print it as JSON')
    .addHelpText('after', LIST)
    .action((flags: Json & { all?: boolean }) => withSession((session) => list(session, flags), WITHOUT_SPICEDB));
  for (const [action, description, help] of [
    ['retry', 'deliver the relationship again, as it is wanted now; or let the event count', RETRY],
    ['discard', 'settle it without trying again', DISCARD],
  ] as const) {
    parked
      .command(`${action} <id>`)
      .description(description)
      .addOption(operatorOption())
      .option('--json', 'print the outcome as JSON')
      .addHelpText('after', help)
      .action((id: string, flags: Who) =>
        withSession((session) => settle(session, { id, action, ...flags }), WITHOUT_SPICEDB),
      );
  }
}

async function list({ runtime }: OperatorSession, { all, json }: Json & { all?: boolean }): Promise<number> {
  const items = await listParked(runtime.pool, { all });
  const rows = items.map(({ id, status, eventType, tuple, error }) => [
    ...[id, status, eventType, tuple ?? 'whole event', error],
  ]);
  print(json, { items }, () =>
    items.length > 0 ? table([['id', 'status', 'event', 'relationship', 'why'], ...rows]) : 'Nothing is parked.',
  );
  return items.some(({ status }) => status === 'parked') ? EXIT.failed : EXIT.done;
}

async function settle(
  session: OperatorSession,
  { id: parkedId, action, operator, json }: Who & { id: string; action: 'retry' | 'discard' },
): Promise<number> {
  const { runtime, context } = session;
  const { pool } = runtime;
  const [item] = (await listParked(pool)).filter(({ id }) => id === parkedId);
  const command = new SettleParked(operatorContext(runtime, operator), { parkedId, action, operator });
  const { position } = await context.get(CommandBus).execute(command);
  const done = await isEffective(session, position);
  const refusedAgain = (await listParked(pool)).some((other) => other.position === position);
  print(json, { parkedId, action, position, done, refusedAgain }, () => {
    const recorded = `${parkedId}: ${action} is on the record at ${position}`;
    if (refusedAgain) return `${recorded}. SpiceDB refused it again; see: operator parked list`;
    if (!done) return `${recorded}, and takes effect as soon as a relay runs.`;
    return action === 'retry' && item?.stage === 'event' ? `${recorded}. ${AFTER_RETRY}` : `${recorded}, and done.`;
  });
  return refusedAgain ? EXIT.failed : EXIT.done;
}

const AFTER_RETRY = 'Now run: operator replay all, operator replay relationships, operator repair';

const ADMIN = `
For the first admin of an installation whose users come from an identity provider: issuer and subject are what stands in
the iss and sub of their tokens. Asked twice it changes nothing. It is on the record, with who did it.

Exits with 1 where the user was deactivated, and with 2 where OIDC_ISSUER is set and another issuer is named.

  operator bootstrap-admin --issuer https://id.example.org --subject 00u1a2b3 --display-name 'Ada Lovelace'`;

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
    .requiredOption('--issuer <issuer>', 'who vouches for the identity', lineOf('--issuer'))
    .requiredOption('--subject <subject>', 'the identity, as the issuer names it', subjectOf)
    .option('--display-name <name>', 'how the user is shown', lineOf('--display-name'))
    .addOption(operatorOption())
    .option('--json', 'print the user as JSON')
    .addHelpText('after', ADMIN)
    .action((flags: AdminFlags) => withSession((session) => bootstrapAdmin(session, flags), WITHOUT_SPICEDB));
}

function subjectOf(text: string): string {
  if (isSubject(text)) return text;
  throw new UsageError('--subject takes 1 to 255 characters as they stand in a token: others cannot sign in.');
}

async function bootstrapAdmin(session: OperatorSession, flags: AdminFlags): Promise<number> {
  const { runtime, context } = session;
  const { issuer, subject, displayName, operator, json } = flags;
  const { oidcIssuer = issuer } = runtime.config;
  if (issuer !== oidcIssuer) {
    throw new UsageError(
      `Nobody could sign in as this: tokens of OIDC_ISSUER alone are accepted, which is ${oidcIssuer}.`,
    );
  }
  const userId = runtime.ids.ulid(runtime.clock.now());
  const input = { userId, externalIdentity: { issuer, subject }, ...(displayName !== undefined && { displayName }) };
  const command = new BootstrapAdmin(operatorContext(runtime, operator), input);
  const { resource, position } = await context.get(CommandBus).execute(command);
  const effective = await isEffective(session, position);
  print(json, { ...resource, effective }, () =>
    effective
      ? `User ${resource.userId} is a system admin.`
      : `User ${resource.userId} is a system admin as soon as a relay runs.`,
  );
  return EXIT.done;
}
