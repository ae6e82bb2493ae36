import { rootCertificates } from 'node:tls';
import { ConfigurationRefused, configurationTable, loadConfig } from './config.js';
import { DEVELOPMENT_PERSONAL_DATA_KEYS, DEVELOPMENT_TOKEN_PEPPER } from './config-settings.js';
import type { ConfigurationFault } from './setting.js';

type Environment = Record<string, string>;

const KEY = Buffer.alloc(32, 'k').toString('base64');

function faultsOf(
  env: Environment,
  mode: Parameters<typeof loadConfig>[1]['mode'] = 'standalone',
): ConfigurationFault[] {
  try {
    loadConfig(env, { mode });
  } catch (error) {
    if (error instanceof ConfigurationRefused) return [...error.faults];
    throw error;
  }
  return [];
}

const variables = (faults: ConfigurationFault[]) => faults.map(({ variable }) => variable);

describe('the configuration', () => {
  it('needs nothing for a standalone start on a fresh machine', () => {
    const config = loadConfig({}, { mode: 'standalone' });
    expect(config).toMatchObject({
      mode: 'standalone',
      production: false,
      port: 3000,
      host: '127.0.0.1',
      dataDir: '.data',
      spicedbPort: 50_051,
      defaultTenantName: 'default',
      relayMaxBatch: 1000,
      relayPollMs: 1000,
      deliveryMaxUpdates: 900,
      logLevel: 'info',
      trustProxy: 'loopback',
    });
    for (const absent of [
      'adminToken',
      'databaseUrl',
      'eventstoreUrl',
      'spicedbEndpoint',
      'defaultWorkspaceName',
    ] as const)
      expect(config[absent]).toBeUndefined();
  });

  it('takes what is given', () => {
    const config = loadConfig(
      { PORT: '8080', HOST: '0.0.0.0', ADMIN_TOKEN: 'dev-admin', DEFAULT_WORKSPACE_NAME: 'Main', LOG_LEVEL: 'debug' },
      { mode: 'standalone' },
    );
    expect(config).toMatchObject({
      port: 8080,
      host: '0.0.0.0',
      adminToken: 'dev-admin',
      defaultWorkspaceName: 'Main',
      logLevel: 'debug',
    });
  });

  it('takes every host of a cluster of EventStoreDB', () => {
    const EVENTSTORE_URL = 'esdb://u:own@one:2113,two:2113,three:2113?tls=true';
    expect(loadConfig({ EVENTSTORE_URL }, { mode: 'standalone' }).eventstoreUrl).toBe(EVENTSTORE_URL);
  });

  it('counts an empty variable as one that isn’t set', () => {
    expect(loadConfig({ PORT: '', DATABASE_URL: ' ' }, { mode: 'standalone' })).toMatchObject({ port: 3000 });
  });

  it('can’t be changed once it is loaded', () => {
    const config = loadConfig({}, { mode: 'standalone' });
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
  });

  it('reports every fault at once with the variable, what was found and what is accepted', () => {
    const env = { PORT: 'http', RELAY_MAX_BATCH: '0', RELAY_POLL_MS: '-1', NODE_ENV: 'prod', SPICEDB_TLS: 'maybe' };
    const faults = faultsOf(env);
    expect(variables(faults)).toEqual(['NODE_ENV', 'PORT', 'SPICEDB_TLS', 'RELAY_MAX_BATCH', 'RELAY_POLL_MS']);
    expect(faults[3]).toEqual({
      variable: 'RELAY_MAX_BATCH',
      found: '"0"',
      accepted: 'a whole number from 1 to 10000',
    });
    expect(() => loadConfig(env, { mode: 'api' })).toThrow(/RELAY_POLL_MS: found "-1"; accepted: a whole number/);
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '3e3'],
    ['PORT', '0x10'],
    ['HOST', 'http://x'],
    ['DELIVERY_MAX_UPDATES', '901'],
    ['DELIVERY_MAX_UPDATES', '1.5'],
    ['DATABASE_URL', 'mysql://db/x'],
    ['DATABASE_URL', 'db:5432'],
    ['DATABASE_URL', 'postgres://u:p@one,two/x'],
    ['EVENTSTORE_URL', 'http://es:2113'],
    ['EVENTSTORE_URL', 'esdb://one:2113,'],
    ['EVENTSTORE_URL', 'esdb://'],
    ['SPICEDB_ENDPOINT', 'https://spicedb:50051'],
    ['SPICEDB_ENDPOINT', 'spicedb'],
    ['SPICEDB_ENDPOINT', 'spicedb:0'],
    ['SPICEDB_CA', '/nowhere/ca.pem'],
    ['SPICEDB_CA', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
    ['TOKEN_PEPPER', 'short'],
    ['TOKEN_PEPPER', `${'x'.repeat(40)},short`],
    ['SIGNING_KEY', 'short'],
    ['PERSONAL_DATA_KEYS', `k1:${Buffer.alloc(31).toString('base64')}`],
    ['PERSONAL_DATA_KEYS', Buffer.alloc(32).toString('base64')],
    ['PERSONAL_DATA_KEYS', `k1:${KEY},k1:${KEY}`],
    ['PERSONAL_DATA_KEYS', `k1:${KEY},`],
    ['ADMIN_TOKEN', 'with space'],
    ['OIDC_ISSUER', 'issuer'],
    ['OIDC_ISSUER', 'https://id.example/?tenant=1'],
    ['OIDC_ISSUER', 'https://me@id.example'],
    ['DEFAULT_TENANT_NAME', 'a\u0007b'],
    ['DEFAULT_TENANT_NAME', 'x'.repeat(256)],
    ['TRUST_PROXY', 'true'],
    ['LOG_LEVEL', 'loud'],
  ])('refuses %s=%s', (variable, value) => {
    expect(variables(faultsOf({ [variable]: value }))).toContain(variable);
  });

  it('never shows the value of a secret', () => {
    const secrets = {
      ADMIN_TOKEN: 'secret one',
      DATABASE_URL: 'mysql://u:secret@db/x',
      EVENTSTORE_URL: 'http://u:secret@es',
      SPICEDB_PRESHARED_KEY: 'secret key',
      TOKEN_PEPPER: 'secret',
      SIGNING_KEY: 'secret',
      PERSONAL_DATA_KEYS: 'secret',
    };
    const faults = faultsOf(secrets);
    expect(variables(faults).sort()).toEqual(Object.keys(secrets).sort());
    expect(JSON.stringify(faults)).not.toContain('secret one');
    for (const { found } of faults) expect(found).toMatch(/^a value of \d+ characters \(not shown\)$/);
  });

  it('reads the certificate authority as text', () => {
    const pem = rootCertificates.slice(0, 2).join('\n');
    expect(loadConfig({ SPICEDB_CA: pem }, { mode: 'standalone' }).spicedbCa).toBe(pem);
  });

  it('speaks TLS to SpiceDB except on a loopback address, unless told', () => {
    const at = (env: Environment) =>
      loadConfig({ SPICEDB_PRESHARED_KEY: 'k', ...env }, { mode: 'standalone' }).spicedbTls;
    expect(at({ SPICEDB_ENDPOINT: 'spicedb:50051' })).toBe(true);
    expect(at({ SPICEDB_ENDPOINT: '127.0.0.1:50051' })).toBe(false);
    expect(at({ SPICEDB_ENDPOINT: '[::1]:50051' })).toBe(false);
    expect(at({ SPICEDB_ENDPOINT: 'spicedb:50051', SPICEDB_TLS: 'false' })).toBe(false);
    expect(at({ SPICEDB_ENDPOINT: 'localhost:50051', SPICEDB_TLS: 'true' })).toBe(true);
  });

  it('keeps the old peppers beside the new one', () => {
    const { tokenPeppers } = loadConfig(
      { TOKEN_PEPPER: `${'n'.repeat(32)}, ${'o'.repeat(32)}` },
      { mode: 'standalone' },
    );
    expect(tokenPeppers.map(({ key }) => key)).toEqual(['n'.repeat(32), 'o'.repeat(32)]);
  });

  it('wraps keys with the first of several, and knows the old ones', () => {
    const { personalDataKeys } = loadConfig({ PERSONAL_DATA_KEYS: `new:${KEY}, old:${KEY}` }, { mode: 'standalone' });
    expect(personalDataKeys.map(({ id }) => id)).toEqual(['new', 'old']);
  });

  it('needs the servers’ addresses where nothing is embedded', () => {
    for (const mode of ['api', 'relay'] as const)
      expect(variables(faultsOf({}, mode))).toEqual(['DATABASE_URL', 'SPICEDB_ENDPOINT']);
    expect(faultsOf({}, 'operator')).toEqual([]);
  });

  it('needs values together that belong together', () => {
    expect(variables(faultsOf({ SPICEDB_ENDPOINT: 'spicedb:50051' }))).toEqual(['SPICEDB_PRESHARED_KEY']);
    expect(variables(faultsOf({ OIDC_ISSUER: 'https://id.example' }))).toEqual(['OIDC_AUDIENCE']);
    expect(variables(faultsOf({ OIDC_AUDIENCE: 'api' }))).toEqual(['OIDC_ISSUER']);
    expect(variables(faultsOf({ PORT: '50051' }))).toEqual(['SPICEDB_PORT']);
    for (const METRICS_PORT of ['3000', '50051'])
      expect(variables(faultsOf({ METRICS_PORT }))).toEqual(['METRICS_PORT']);
  });
});

describe('the table of the configuration', () => {
  it('documents every variable once, and no secret’s value', () => {
    const table = configurationTable();
    expect(new Set(table.map(({ name }) => name)).size).toBe(table.length);
    for (const { meaning, accepted } of table) {
      expect(meaning).not.toBe('');
      expect(accepted).not.toBe('');
    }
    expect(JSON.stringify(table)).not.toContain(DEVELOPMENT_TOKEN_PEPPER);
    expect(JSON.stringify(table)).not.toContain(DEVELOPMENT_PERSONAL_DATA_KEYS);
    expect(table.find(({ name }) => name === 'PORT')).toMatchObject({ default: '3000' });
  });
});
