import { createLogger, loadConfig } from '../../libs/platform/index.js';
import { closeRuntime, openRuntime } from '../../libs/wiring/index.js';
import { createApi } from './start-api.js';

const config = loadConfig(process.env, { mode: 'api' });
const logger = createLogger({ level: config.logLevel, name: 'api' });
const runtime = await openRuntime(config, { name: 'api' });
const app = await createApi(runtime, { logger, docs: true });
await app.listen({ port: config.port, host: config.host });
logger.info({ url: await app.getUrl() }, 'the API listens');

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void app
      .close()
      .then(() => closeRuntime(runtime))
      .then(() => process.exit(0));
  });
}
