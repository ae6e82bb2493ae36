import { createInterface } from 'node:readline/promises';
import { CommandBus } from '@nestjs/cqrs';
import type { Command } from 'commander';
import { normaliseUlid } from '../../libs/platform/index.js';
import { EraseUser } from '../../libs/users/index.js';
import { UsageError } from '../../libs/wiring/index.js';
import { EXIT, print, ProgressBar } from './output.js';
import { isEffective, operatorContext, type OperatorSession, operatorOption } from './session.js';
import type { WithSession } from './store-commands.js';

const ERASE = `
Destroys the key of the user's personal data. Their name, e-mail addresses, IP addresses and user agents, and what they
wrote as reasons and notes, can't be read by anybody any more: in no event, audit entry or export, not even in one that
was made before. Read models forget them. What stays: their id and external identity, which nobody else can claim, what
they asked, decided and held, and what others wrote about them. Every chain of the audit trail still verifies, and a
replay gives the same rows.

The user is deactivated with it; what they hold ends. The erasure is on the record, with who did it. It can't be undone,
except by restoring a backup of PostgreSQL that is older: erase again then. Copies of the key in backups are of no use
once the wrapping key they were made with is gone: see operator rotate-keys.

Asks first, unless told --yes. Asked twice it changes nothing. Exits with 1 where the user is unknown or built in, and
where it is on the record but no relay has come to it yet: it is completed as soon as one runs.

  operator erase 01JQ0000000000000000000A01`;

const ROTATE = `
For a new wrapping key: put it first in PERSONAL_DATA_KEYS of all processes, the old ones after it, restart them, and run
this. Every stored key is wrapped anew; what is encrypted stays as it is. Then the old ones can be taken away. It may run
at any time and goes on where it was stopped. A start refuses, and says which key is missing, where one was taken away too
early.

  PERSONAL_DATA_KEYS=2026-07:…,2026-01:… operator rotate-keys`;

const WITHOUT_SPICEDB = { spiceDb: false };
const KEYS_AT_ONCE = 500;

interface EraseFlags {
  operator: string;
  yes?: boolean;
  json?: boolean;
}

export function addPersonalDataCommands(program: Command, withSession: WithSession): void {
  program
    .command('erase <user>')
    .description('destroy the key of a user’s personal data, so that nobody can read it any more')
    .addOption(operatorOption())
    .option('--yes', 'do not ask')
    .option('--json', 'print the outcome as JSON; needs --yes')
    .addHelpText('after', ERASE)
    .action((user: string, flags: EraseFlags) =>
      withSession((session) => eraseUser(session, user, flags), WITHOUT_SPICEDB),
    );
  program
    .command('rotate-keys')
    .description('wrap the keys of personal data with the first of PERSONAL_DATA_KEYS')
    .option('--json', 'print the outcome as JSON')
    .addHelpText('after', ROTATE)
    .action((flags: { json?: boolean }) => withSession((session) => rotateKeys(session, flags), WITHOUT_SPICEDB));
}

async function eraseUser(session: OperatorSession, user: string, flags: EraseFlags): Promise<number> {
  const userId = normaliseUlid(user);
  if (userId === undefined) throw new UsageError(`${user} is no id of a user.`);
  if (!flags.yes && !(await isConfirmed(session, userId, flags))) {
    print(flags.json, { userId, erased: false }, () => 'Nothing is erased.');
    return EXIT.failed;
  }
  const command = new EraseUser(operatorContext(session.runtime, flags.operator), { userId });
  const { position } = await session.context.get(CommandBus).execute(command);
  const erased = await isEffective(session, position, 'projected');
  print(flags.json, { userId, position, erased }, () =>
    erased
      ? `User ${userId} is erased; on the record up to ${position}.`
      : `The erasure of user ${userId} is on the record. The key is destroyed as soon as a relay runs.`,
  );
  return erased ? EXIT.done : EXIT.failed;
}

async function isConfirmed({ runtime }: OperatorSession, userId: string, { json }: EraseFlags): Promise<boolean> {
  if (json || !process.stdin.isTTY) throw new UsageError('Nobody can be asked here: add --yes to erase the user.');
  const { rows } = await runtime.pool.query<{ name: string | null; email: string | null }>(
    'select display_name as name, email from app_user where id = $1',
    [userId],
  );
  const known = [rows[0]?.name, rows[0]?.email].filter(Boolean).join(', ') || 'without a name';
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asked.question(
    `${ERASE.slice(0, ERASE.indexOf('\n\nAsks first'))}\n\nTo erase user ${userId} (${known}) for good, type their id: `,
  );
  asked.close();
  return normaliseUlid(answer.trim()) === userId;
}

async function rotateKeys({ runtime: { keys } }: OperatorSession, { json }: { json?: boolean }): Promise<number> {
  const total = await keys.countToRewrap();
  const bar = new ProgressBar('wrapping');
  let wrapped = 0;
  try {
    for (let some = -1; some !== 0; wrapped += some) {
      some = await keys.rewrapSome(KEYS_AT_ONCE);
      bar.show(Math.min(wrapped + some, total), total);
    }
  } finally {
    bar.stop();
  }
  const left = await keys.countToRewrap();
  const { wrappingKeyId } = keys;
  print(json, { wrappingKeyId, wrapped, left }, () => {
    const done = `${wrapped} keys were wrapped with ${wrappingKeyId}`;
    if (left > 0) return `${done}; ${left} are being wrapped by another operator, or are new: run it again.`;
    return `${done}, and all are: no other key of PERSONAL_DATA_KEYS is needed any more.`;
  });
  return left > 0 ? EXIT.failed : EXIT.done;
}
