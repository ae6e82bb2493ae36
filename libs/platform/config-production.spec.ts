import { ConfigurationRefused, loadConfig, type Mode } from './config.js';
import {
  DEVELOPMENT_PERSONAL_DATA_KEYS,
  DEVELOPMENT_SIGNING_KEY,
  DEVELOPMENT_TOKEN_PEPPER,
  settings,
} from './config-settings.js';
import type { ConfigurationFault, Setting } from './setting.js';

type Environment = Record<string, string>;

const [PEPPER, KEY] = ['Jz0fYB2mXq7cW9tR4uLs81hDkE6vNpQa', 'q3VbT8nLxZ5wKc1yPjH7dRf0MsG2oUeA'];
const WRAPPING_KEY = Buffer.from('Vb7kQ2xZp9LmRt4WcY8sHd1NfGj6TuEa').toString('base64');
const SAFE: Environment = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://countersign:Zk3-own-password@db.internal:5432/countersign?sslmode=verify-full',
  EVENTSTORE_URL: 'esdb+discover://countersign:Pw7-own-password@eventstore.internal:2113?tls=true',
  SPICEDB_ENDPOINT: 'spicedb.internal:50051',
  SPICEDB_PRESHARED_KEY: 'our-own-preshared-key-0001',
  TOKEN_PEPPER: PEPPER,
  SIGNING_KEY: KEY,
  PERSONAL_DATA_KEYS: `2026-01:${WRAPPING_KEY}`,
  OIDC_ISSUER: 'https://id.example.org',
  OIDC_AUDIENCE: 'countersign',
  CORS_ORIGINS: 'https://console.example.org',
  TRUST_PROXY: 'loopback,10.0.0.0/8',
};
const MODES: Mode[] = ['standalone', 'api', 'relay', 'operator'];

function faultsOf(changed: Environment, mode: Mode = 'api'): ConfigurationFault[] {
  try {
    loadConfig({ ...SAFE, ...changed }, { mode });
    return [];
  } catch (error) {
    if (error instanceof ConfigurationRefused) return [...error.faults];
    throw error;
  }
}

const database = (rest: string) => `postgres://countersign:Zk3-own-password@${rest}`;

/** Variable, unsafe value, and what is said that it should be. */
const UNSAFE: [string, string, RegExp][] = [
  ['ADMIN_TOKEN', 'csn_admin_of_development', /nothing/],
  ['TOKEN_PEPPER', '', /random secret of your own/],
  ['TOKEN_PEPPER', DEVELOPMENT_TOKEN_PEPPER, /random secret of your own/],
  ['TOKEN_PEPPER', `${PEPPER},${DEVELOPMENT_TOKEN_PEPPER}`, /random secret of your own/],
  ['TOKEN_PEPPER', 'short', /at least 32 characters/],
  ['TOKEN_PEPPER', 'x'.repeat(40), /random secret of your own/],
  ['SIGNING_KEY', '', /random secret of your own/],
  ['SIGNING_KEY', DEVELOPMENT_SIGNING_KEY, /random secret of your own/],
  ['SIGNING_KEY', 'short', /at least 32 characters/],
  ['SIGNING_KEY', 'abcabcabcabcabcabcabcabcabcabcabcabc', /random secret of your own/],
  ['SIGNING_KEY', PEPPER, /secret of its own/],
  ['PERSONAL_DATA_KEYS', '', /random keys of your own/],
  ['PERSONAL_DATA_KEYS', `k1:${WRAPPING_KEY},${DEVELOPMENT_PERSONAL_DATA_KEYS}`, /random keys of your own/],
  ['PERSONAL_DATA_KEYS', `k1:${Buffer.alloc(32).toString('base64')}`, /random keys of your own/],
  ['PERSONAL_DATA_KEYS', `k1:${WRAPPING_KEY},k2:${WRAPPING_KEY}`, /random keys of your own/],
  ['PERSONAL_DATA_KEYS', WRAPPING_KEY, /id:base64 of 32 random bytes/],
  ['DATABASE_URL', '', /address of a PostgreSQL server/],
  ['DATABASE_URL', 'postgres://postgres:postgres@127.0.0.1/countersign', /another password/],
  ['DATABASE_URL', database('db.internal/countersign'), /sslmode=verify-full, or database in ALLOW_PLAINTEXT/],
  ['DATABASE_URL', database('db.internal/countersign?sslmode=disable'), /sslmode=verify-full/],
  ['DATABASE_URL', database('db.internal/countersign?sslmode=no-verify'), /sslmode=verify-full/],
  ['DATABASE_URL', database('db.internal/c?sslmode=require&uselibpqcompat=true'), /sslmode=verify-full/],
  ['DATABASE_URL', database('db.internal/c?sslmode=verify-full&sslmode=disable'), /sslmode=verify-full/],
  ['DATABASE_URL', database('localhost/c?host=db.internal'), /sslmode=verify-full/],
  ['DATABASE_URL', 'postgres://u@localhost/c?password=postgres', /another password/],
  ['DATABASE_URL', 'postgres://u:100%zz@localhost/c', /postgres:\/\/user/],
  ['EVENTSTORE_URL', 'esdb://admin:changeit@es.internal:2113', /another password/],
  ['EVENTSTORE_URL', 'esdb://u:own@es.internal:2113?tls=false', /tls=true, or eventstore in ALLOW_PLAINTEXT/],
  ['EVENTSTORE_URL', 'esdb://u:own@es.internal:2113?tlsVerifyCert=false', /tls=true/],
  ['EVENTSTORE_URL', 'esdb://u:own@es.internal:2113?TLS=false', /tls=true/],
  ['EVENTSTORE_URL', 'esdb://u:own@es.internal:2113?tls=true&tls=false', /tls=true/],
  ['EVENTSTORE_URL', 'esdb://u:own@es.internal:2113?tls=False', /esdb:\/\/user/],
  ['EVENTSTORE_URL', 'esdb://u:100%zz@es.internal:2113', /esdb:\/\/user/],
  ['EVENTSTORE_URL', 'esdb://admin:changeit@one.internal:2113,two.internal:2113', /another password/],
  ['EVENTSTORE_URL', 'esdb://u:own@127.0.0.1:2113,es.internal:2113?tls=false', /tls=true/],
  ['SPICEDB_ENDPOINT', '', /host:port of a SpiceDB server/],
  ['SPICEDB_TLS', 'false', /true, or spicedb in ALLOW_PLAINTEXT/],
  ['SPICEDB_PRESHARED_KEY', '', /key of the server/],
  ['SPICEDB_PRESHARED_KEY', 'somerandomkeyhere', /random key of your own/],
  ['SPICEDB_PRESHARED_KEY', 'short', /at least 16 characters/],
  ['SPICEDB_PRESHARED_KEY', 'k'.repeat(32), /random key of your own/],
  ['OIDC_ISSUER', 'http://id.example.org', /https address/],
  ['CORS_ORIGINS', '*', /the origins themselves/],
  ['CORS_ORIGINS', 'https://console.example.org,*', /the origins themselves/],
  ['CORS_ORIGINS', 'https://*.example.org', /list of origins/],
  ['TRUST_PROXY', 'loopback, 0.0.0.0/0', /no range that holds every address/],
  ['TRUST_PROXY', '0.0.0.0/00', /no range that holds every address/],
  ['TRUST_PROXY', '::/0', /no range that holds every address/],
];

describe('the configuration in production', () => {
  it.each(MODES)('lets the %s start where every value is safe, on all addresses', (mode) => {
    expect(loadConfig(SAFE, { mode })).toMatchObject({ production: true, host: '0.0.0.0', spicedbTls: true });
  });

  describe.each(MODES)('of the %s', (mode) => {
    it.each(UNSAFE)('refuses the unsafe %s=%s, names it and says what to set', (variable, value, next) => {
      const faults = faultsOf({ [variable]: value }, mode);
      expect(faults.map((fault) => fault.variable)).toEqual([variable]);
      expect(faults[0]!.accepted).toMatch(next);
    });
  });

  it('has an unsafe value among these for every secret, so that a new one is thought of', () => {
    const secrets = Object.values<Setting<unknown>>(settings).filter(({ secret }) => secret);
    const tried = new Set(UNSAFE.map(([variable]) => variable));
    expect(secrets.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
  });

  it('needs every secret and server, EventStoreDB aside', () => {
    const nothing = Object.fromEntries(Object.keys(SAFE).map((name) => [name, '']));
    const faults = faultsOf({ ...nothing, NODE_ENV: 'production' });
    const needed = ['DATABASE_URL', 'SPICEDB_ENDPOINT', 'TOKEN_PEPPER', 'SIGNING_KEY', 'PERSONAL_DATA_KEYS'];
    expect(faults.map(({ variable }) => variable)).toEqual(needed);
  });

  it('names everything that is unsafe at once', () => {
    const faults = faultsOf({ ADMIN_TOKEN: 'x', SPICEDB_TLS: 'false', CORS_ORIGINS: '*' });
    expect(faults.map(({ variable }) => variable)).toEqual(['ADMIN_TOKEN', 'SPICEDB_TLS', 'CORS_ORIGINS']);
  });

  it('may speak plain text to what runs on the same machine', () => {
    const local = {
      DATABASE_URL: database('localhost:5432/countersign'),
      EVENTSTORE_URL: 'esdb://u:own@[::1]:2113?tls=false',
      SPICEDB_ENDPOINT: '127.0.0.1:50051',
      SPICEDB_TLS: 'false',
    };
    expect(faultsOf(local)).toEqual([]);
  });

  it('may speak plain text to the servers that ALLOW_PLAINTEXT names, and to no other', () => {
    const plain = {
      DATABASE_URL: database('postgres:5432/countersign'),
      EVENTSTORE_URL: 'esdb://eventstoredb:2113?tls=false',
      SPICEDB_TLS: 'false',
    };
    const variables = (allowed: string) =>
      faultsOf({ ...plain, ALLOW_PLAINTEXT: allowed }).map(({ variable }) => variable);
    expect(variables('')).toEqual(['DATABASE_URL', 'EVENTSTORE_URL', 'SPICEDB_TLS']);
    expect(variables('database, eventstore, spicedb')).toEqual([]);
    expect(variables('spicedb')).toEqual(['DATABASE_URL', 'EVENTSTORE_URL']);
    expect(variables('everything')).toContain('ALLOW_PLAINTEXT');
  });
});
