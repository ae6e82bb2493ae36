import { createLogger, loadConfig } from '../../libs/platform/index.js';
import { closeRuntime, openRuntime } from '../../libs/wiring/index.js';
import { createCommandContext, createRelay } from './start-relay.js';

const config = loadConfig(process.env, { mode: 'relay' });
const logger = createLogger({ level: config.logLevel, name: 'relay' });
const runtime = await openRuntime(config, { name: 'relay' });
const context = await createCommandContext(runtime, logger);
const relay = createRelay(runtime, context, { logger });
relay.start();
logger.info({}, 'the relay follows the event log');

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void relay
      .stop()
      .then(() => context.close())
      .then(() => closeRuntime(runtime))
      .then(() => process.exit(0));
  });
}
