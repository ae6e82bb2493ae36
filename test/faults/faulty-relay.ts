import { startRelay } from '../../apps/relay/start-relay.js';
import { runProcess } from '../../libs/wiring/index.js';
import { killAt } from './kill-at.js';

await runProcess('relay', (starting) => startRelay(starting, killAt()));
