import type { FaultPoint } from '../../libs/wiring/index.js';
import { startStandalone } from '../../apps/standalone/start-standalone.js';

// Kills itself when it passes the named point for the given time: FAULT=after-append:5.
const [point, count] = (process.env['FAULT'] ?? 'never:1').split(':') as [FaultPoint, string];
let left = Number(count);

const standalone = await startStandalone(process.env, (passed) => {
  if (passed === point && --left === 0) process.kill(process.pid, 'SIGKILL');
});
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
