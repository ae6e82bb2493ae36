import 'reflect-metadata';
import { Command } from 'commander';
import { addImportCommand } from './import-command.js';
import { EXIT, explain } from './output.js';
import { addAdminCommand, addAuditCommands, addParkedCommands } from './record-commands.js';
import { openSession, type OperatorSession } from './session.js';
import { addStoreCommands } from './store-commands.js';

const HELP = `
Commands work on DATABASE_URL, SPICEDB_ENDPOINT and EVENTSTORE_URL; without DATABASE_URL on the data folder of npm start
(DATA_DIR, .data unless told), whether it runs or not.

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

const withSession = (action: (session: OperatorSession) => Promise<number>): Promise<void> =>
  run(async () => {
    const session = await openSession(process.env);
    try {
      return await action(session);
    } finally {
      await session.close();
    }
  });

const program = new Command('operator')
  .description('Runs, checks and mends an installation of Countersign.')
  .addHelpText('after', HELP)
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage));
addStoreCommands(program, withSession);
addParkedCommands(program, withSession);
addAdminCommand(program, withSession);
addAuditCommands(program, withSession, run);
addImportCommand(program, () => openSession(process.env));

await program.parseAsync();
// The EventStoreDB client keeps the process alive for a while after it is closed.
process.exit();
