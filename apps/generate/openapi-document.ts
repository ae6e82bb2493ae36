import type { EventLog } from '../../libs/event-store/index.js';
import { SpiceDb } from '../../libs/authorization/index.js';
import { createLogger, loadConfig, Metrics, openPool, systemClock, systemIds } from '../../libs/platform/index.js';
import { SubjectKeys } from '../../libs/personal-data/index.js';
import { Progress } from '../../libs/projections/index.js';
import { buildDomain, type Runtime } from '../../libs/wiring/index.js';
import { createOpenApi } from '../api/openapi.js';
import { createApi } from '../api/start-api.js';

/** The OpenAPI document of the routes; nothing is connected to. */
export async function renderOpenApi(): Promise<string> {
  const config = loadConfig({}, { mode: 'standalone' });
  const pool = openPool({ url: 'postgres://localhost:1/none', applicationName: 'generate' });
  const runtime: Runtime = {
    ...{ config, pool, domain: buildDomain(), clock: systemClock, ids: systemIds },
    log: {} as EventLog,
    spicedb: new SpiceDb({ endpoint: 'localhost:1', presharedKey: 'none', tls: false }),
    keys: new SubjectKeys(pool, config.personalDataKeys),
    progress: new Progress(pool),
    metrics: new Metrics(),
  };
  const app = await createApi(runtime, { logger: createLogger({ level: 'error', name: 'generate' }), docs: false });
  const document = createOpenApi(app);
  await app.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}
