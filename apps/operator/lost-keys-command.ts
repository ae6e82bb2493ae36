import type { Command } from 'commander';
import { acceptLostKeys, findLostKeys, type LostKeys } from '../../libs/verification/index.js';
import { EXIT, print, ProgressBar } from './output.js';
import { operatorContext, operatorOption, type OperatorSession } from './session.js';
import type { WithSession } from './store-commands.js';
import { watchedLog } from './watched-log.js';
import { withoutRelay } from './without-relay.js';

const LOST_KEYS = `
For after PostgreSQL was restored to an earlier time than the event store: personal data of whoever came in between are
sealed with keys that no backup has. Look for a later dump of the table subject_key first; see docs/operating.md. Stop
every API and relay before.

Says whose keys are lost, and changes nothing unless --accept is given: then what they sealed counts as erased, for good,
also where a later backup turns up; the persons stay, with new keys for what comes; and it is on the record. Interrupted,
it goes on when it is started again. Afterwards start the relays, let parked events count with operator parked retry, and
run operator replay all, operator replay relationships and operator repair.

Exits with 1 where keys are lost and that is not accepted, and with 2 where a relay is active.`;

interface Flags {
  accept?: boolean;
  operator: string;
  json?: boolean;
}

export function addLostKeysCommand(program: Command, withSession: WithSession): void {
  program
    .command('lost-keys')
    .description('find keys of personal data that no backup had, and go on without them')
    .option('--accept', 'what they sealed counts as erased')
    .addOption(operatorOption())
    .option('--json', 'print what was found and done as JSON')
    .addHelpText('after', LOST_KEYS)
    .action((flags: Flags) => withSession((session) => runLostKeys(session, flags), { spiceDb: false }));
}

async function runLostKeys(session: OperatorSession, flags: Flags): Promise<number> {
  const { runtime } = session;
  const { log, domain, keys } = runtime;
  return withoutRelay(runtime.pool, { owner: 'operator-lost-keys', goal: 'look for keys' }, async () => {
    const bar = new ProgressBar('reading the log');
    const watched = await watchedLog(log, (position, head) => bar.show(position, head));
    const lost = await findLostKeys({ log: watched, domain }).finally(() => bar.stop());
    const accepted = lost.subjects.length > 0 && flags.accept === true;
    if (accepted) {
      const context = () => operatorContext(runtime, flags.operator);
      await acceptLostKeys({ log, domain, keys, context }, lost);
    }
    print(flags.json, { ...lost, accepted }, () => describe(lost, accepted));
    return lost.subjects.length > 0 && !accepted ? EXIT.failed : EXIT.done;
  });
}

function describe({ subjects, events }: LostKeys, accepted: boolean): string {
  if (subjects.length === 0) return 'No key is lost.';
  const found = `${subjects.length} keys are lost; ${events} events have personal data that they sealed`;
  if (accepted)
    return `${found}. It counts as erased, which is on the record. See operator lost-keys --help for the rest.`;
  return [
    `${found}. Nothing was changed.`,
    ...subjects.map((subject) => `  ${subject}`),
    'Restore a later dump of the table subject_key, or go on without them: operator lost-keys --accept',
  ].join('\n');
}
