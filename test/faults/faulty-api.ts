import { startApi } from '../../apps/api/start-api.js';
import { runProcess } from '../../libs/wiring/index.js';
import { killAt } from './kill-at.js';

await runProcess('api', (starting) => startApi(starting, killAt()));
