import { Command, CommanderError } from 'commander';
import { addAppointCommand } from './appoint-command.js';
import { addAuditCommands } from './audit-commands.js';
import { addImportCommand } from './import-command.js';
import { EXIT, explain, isJsonAsked, stoppable, tell } from './output.js';
import { addLostKeysCommand } from './lost-keys-command.js';
import { addPersonalDataCommands } from './personal-commands.js';
import { addRebuildCommand } from './rebuild-command.js';
import { addAdminCommand, addParkedCommands } from './record-commands.js';
import { openSession } from './session.js';
import { addStoreCommands, type WithSession } from './store-commands.js';

const HELP = `
Commands work on DATABASE_URL, SPICEDB_ENDPOINT and EVENTSTORE_URL. Without the first two they work on the data folder
of npm start (DATA_DIR, .data unless told): on its parts while it runs, else on parts started for the time of the
command.

All take --json, which prints one document on standard output, an error too: {"error": {"exitCode", "message"}}.
Exit codes: 0 done, 1 a difference or not done, 2 wrong call or configuration or not migrated, 3 something does not
answer, 130 stopped by Ctrl-C or SIGTERM.

  operator status
  operator verify --json
  operator replay all
  operator import history.jsonl.gz --teams teams.json`;

const HELP_HINT = 'operator --help lists all commands, operator <command> --help describes one';

/** Runs one command line. @param args without the names of the interpreter and the script @returns the exit code */
export async function operate(args: readonly string[]): Promise<number> {
  process.exitCode = EXIT.done;
  await run(async () => {
    await operatorProgram().parseAsync(args, { from: 'user' });
    return Number(process.exitCode);
  });
  return Number(process.exitCode);
}

function operatorProgram(): Command {
  const program = new Command('operator')
    .description('Runs, checks and mends an installation of Countersign.')
    .addHelpText('after', HELP)
    .showHelpAfterError(`(${HELP_HINT})`)
    .configureOutput(isJsonAsked() ? { writeErr: () => undefined } : {})
    .exitOverride();
  addStoreCommands(program, withSession);
  addRebuildCommand(program, withSession);
  addParkedCommands(program, withSession);
  addAdminCommand(program, withSession);
  addAppointCommand(program, withSession);
  addPersonalDataCommands(program, withSession);
  addLostKeysCommand(program, withSession);
  addAuditCommands(program, withSession, (work) => run(() => stoppable(work)));
  addImportCommand(program, () => openSession(process.env));
  return program;
}

const withSession: WithSession = (action, needs) =>
  run(() =>
    stoppable(async () => {
      const session = await openSession(process.env, needs);
      try {
        return await action(session);
      } finally {
        await session.close();
      }
    }),
  );

async function run(work: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? called(error) : explain(error);
  }
}

/** What was called wrongly has been told by then, but as JSON. */
function called({ exitCode, message }: CommanderError): number {
  if (exitCode === 0) return EXIT.done;
  return isJsonAsked() ? tell(EXIT.usage, `${message.replace(/^error: |\.$/g, '')}. See: ${HELP_HINT}`) : EXIT.usage;
}
