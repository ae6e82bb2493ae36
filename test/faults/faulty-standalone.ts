import { startStandalone } from '../../apps/standalone/start-standalone.js';
import { killAt } from './kill-at.js';

const standalone = await startStandalone(process.env, killAt());
const { url, config } = standalone;
process.stdout.write(
  `${JSON.stringify({
    url,
    token: config.adminToken,
    databaseUrl: config.databaseUrl,
    spicedbEndpoint: config.spicedbEndpoint,
    spicedbKey: config.spicedbPresharedKey,
  })}\n`,
);
process.once('SIGTERM', () => void standalone.stop().then(() => process.exit(0)));
