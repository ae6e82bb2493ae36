import { runProcess } from '../../libs/wiring/index.js';
import { startRelay } from './start-relay.js';

await runProcess('relay', startRelay);
