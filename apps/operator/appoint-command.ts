import { CommandBus } from '@nestjs/cqrs';
import type { Command } from 'commander';
import { AppointAdmin } from '../../libs/assignments/index.js';
import { normaliseUlid } from '../../libs/platform/index.js';
import { UsageError } from '../../libs/wiring/index.js';
import { EXIT, print } from './output.js';
import { isEffective, operatorContext, type OperatorSession, operatorOption } from './session.js';
import type { WithSession } from './store-commands.js';

const APPOINT = `
For a tenant that nobody can administrate any more, as all who were its admins without an end are deleted: no call lets
anybody in then, and system admins have no part in what is the tenant's. The user becomes its admin without an end; if
they were a plain member, in the place of that. It is on the tenant's record, with who did it. Who is deleted stays
listed as an admin until the new one removes them.

Asked twice it changes nothing. Exits with 1 where the tenant is unknown, deleted or being deleted, where it has another
admin without an end, who makes others admins, or comes back by being reinstated where they are suspended, and where the
user is unknown, suspended or deleted.

  operator appoint-admin 01JQ0000000000000000000T01 01JQ0000000000000000000A01`;

interface Flags {
  operator: string;
  json?: boolean;
}

/** The command that gives a tenant an admin again. */
export function addAppointCommand(program: Command, withSession: WithSession): void {
  program
    .command('appoint-admin <tenant> <user>')
    .description('make a user admin of a tenant whose own admins are all deleted')
    .addOption(operatorOption())
    .option('--json', 'print the outcome as JSON')
    .addHelpText('after', APPOINT)
    .action((tenant: string, user: string, flags: Flags) =>
      withSession((session) => appoint(session, { tenant, user, ...flags }), { spiceDb: false }),
    );
}

async function appoint(
  session: OperatorSession,
  { tenant, user, operator, json }: Flags & { tenant: string; user: string },
): Promise<number> {
  const { runtime, context } = session;
  const input = { tenantId: idOf('tenant', tenant), userId: idOf('user', user) };
  const command = new AppointAdmin(operatorContext(runtime, operator), input);
  const { appointed, position } = await context.get(CommandBus).execute(command);
  const effective = await isEffective(session, position);
  print(json, { ...input, appointed, position, effective }, () => {
    const done = `User ${input.userId} is an admin of tenant ${input.tenantId}${appointed ? '' : ' already'}`;
    return effective ? `${done}.` : `${done}, which takes effect as soon as a relay runs.`;
  });
  return EXIT.done;
}

/** @throws UsageError */
function idOf(what: string, text: string): string {
  const id = normaliseUlid(text);
  if (id === undefined) throw new UsageError(`${text} is no id of a ${what}.`);
  return id;
}
