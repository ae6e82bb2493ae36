import 'reflect-metadata';
import { Command } from 'commander';
import { addAuditCommands } from './audit-commands.js';
import { addImportCommand } from './import-command.js';
import { EXIT, explain } from './output.js';
import { addPersonalDataCommands } from './personal-commands.js';
import { addAdminCommand, addParkedCommands } from './record-commands.js';
import { openSession } from './session.js';
import { addRebuildCommand } from './rebuild-command.js';
import { addStoreCommands, type WithSession } from './store-commands.js';

const HELP = `
Commands work on DATABASE_URL, SPICEDB_ENDPOINT and EVENTSTORE_URL. Without the first two they work on the data folder
of npm start (DATA_DIR, .data unless told): on its parts while it runs, else on parts started for the time of the
command.

All take --json, which prints one document on standard output, an error too: {"error": {"exitCode", "message"}}.
Exit codes: 0 done, 1 a difference or not done, 2 wrong call or configuration, 3 something does not answer.

  operator status
  operator verify --json
  operator replay all
  operator import history.jsonl.gz --teams teams.json`;

const run = async (work: () => Promise<number>): Promise<void> => {
  try {
    process.exitCode = await work();
  } catch (error) {
    process.exitCode = explain(error);
  }
};

const withSession: WithSession = (action, needs) =>
  run(async () => {
    const session = await openSession(process.env, needs);
    try {
      return await action(session);
    } finally {
      await session.close();
    }
  });

const program = new Command('operator')
  .description('Runs, checks and mends an installation of Countersign.')
  .addHelpText('after', HELP)
  .showHelpAfterError('(operator --help lists all commands, operator <command> --help describes one)')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage));
addStoreCommands(program, withSession);
addRebuildCommand(program, withSession);
addParkedCommands(program, withSession);
addAdminCommand(program, withSession);
addPersonalDataCommands(program, withSession);
addAuditCommands(program, withSession, run);
addImportCommand(program, () => openSession(process.env));

await run(async () => {
  await program.parseAsync();
  return Number(process.exitCode ?? EXIT.done);
});
// The EventStoreDB client keeps the process alive for a while after it is closed.
process.exit();
