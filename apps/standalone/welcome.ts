import type { Standalone } from './start-standalone.js';

/** What the terminal shows when everything runs: where it is, and something to paste. */
export function welcome({ url, metricsUrl, config, installation, logFile }: Standalone, seconds: number): string {
  const { adminToken, spicedbEndpoint, spicedbPresharedKey } = config;
  const tenant = installation.created ? 'created' : 'already there';
  return `
Countersign is ready after ${seconds.toFixed(1)} s.

  API       ${url}
  Docs      ${url}/docs${metricsUrl === undefined ? '' : `\n  Metrics   ${metricsUrl}/metrics`}
  Token     ${adminToken}
  SpiceDB   ${spicedbEndpoint}  (plaintext, key ${spicedbPresharedKey})
  Tenant    ${installation.defaultTenantId} (${tenant})
  Log       ${logFile}

Try:

  curl -s ${url}/v1/tenants -H 'Authorization: Bearer ${adminToken}'

Ctrl-C stops everything.
`;
}
