import { runProcess } from '../../libs/wiring/index.js';
import { startApi } from './start-api.js';

await runProcess('api', startApi);
