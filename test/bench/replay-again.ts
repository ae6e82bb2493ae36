import { constants, setPriority } from 'node:os';
import { assignmentsPart } from '../../libs/assignments/index.js';
import { openEventLog } from '../../libs/event-store/index.js';
import { openPool } from '../../libs/platform/index.js';
import { replay } from '../../libs/projections/index.js';
import { buildDomain } from '../../libs/wiring/index.js';

/** A process of its own, as the operator's is: replays until it is told to stop, and says when it has once more. */
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const url = process.env['DATABASE_URL']!;
const pool = openPool({ url, applicationName: 'bench-replay', statementTimeoutMs: 0 });
const log = await openEventLog({ databaseUrl: url });
const { registry } = buildDomain();
let stopping = false;
process.once('message', () => (stopping = true));
process.send!('started');
while (!stopping) {
  await replay({ pool, log, registry, models: assignmentsPart.readModels });
  process.send!('replayed');
}
await log.close();
await pool.end();
process.disconnect();
