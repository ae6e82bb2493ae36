import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isTrustList } from './client-address.js';
import { isLine } from './text.js';
import { choice, integer, NotAccepted, optional, optionalOf, optionalSwitch, readInteger, text } from './setting.js';
import type { Setting, ValuesOf } from './setting.js';
import { parseWrappingKeys, type WrappingKey } from './wrapping-key.js';

/** Used where nothing else is configured; they are public, so production refuses them. */
export const DEVELOPMENT_TOKEN_PEPPER = 'development-only-token-pepper-000000';
export const DEVELOPMENT_SIGNING_KEY = 'development-only-signing-key-0000000';
export const DEVELOPMENT_PERSONAL_DATA_KEYS = `development:${Buffer.from('development-only-personal-data-0').toString('base64')}`;

const HOST_AND_PORT = /^(\[[0-9a-f:]+\]|[a-z0-9._-]+):(\d{1,5})$/i;
const KEY_RULE = 'a secret of at least 32 characters';
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

export function urlOf(value: string): URL | undefined {
  return URL.canParse(value) ? new URL(value) : undefined;
}

function isUrl(value: string, protocols: readonly string[]): boolean {
  const url = urlOf(value);
  return url !== undefined && protocols.includes(url.protocol) && url.hostname !== '' && isDecodable(value);
}

function isDecodable(value: string): boolean {
  try {
    return decodeURIComponent(value) !== '';
  } catch {
    return false;
  }
}

const EVENT_STORE = /^(esdb(?:\+discover)?:\/\/(?:[^@/?#]*@)?)([^@/?#]+)([/?].*)?$/;

/** One address for each host of an address of EventStoreDB; none where it is not one. */
export function eventStoreUrls(value: string): URL[] {
  const [, before, hosts = '', after = ''] = EVENT_STORE.exec(value) ?? [];
  const urls = hosts.split(',').map((host) => urlOf(`${before}${host}${after}`));
  const isOne =
    before !== undefined && isDecodable(value) && urls.every((url) => url !== undefined && url.hostname !== '');
  return isOne ? (urls as URL[]) : [];
}

/** A parameter by the name that its client knows it by: `TLS` and `t_l-s` are `tls`, too. */
export function eventStoreParameter({ searchParams }: URL, name: string): string[] {
  const plain = (text: string) => text.trim().toLowerCase().replace(/[_-]/g, '');
  return [...searchParams].filter(([key]) => plain(key) === plain(name)).map(([, value]) => value);
}

function isEventStoreAddress(value: string): boolean {
  const urls = eventStoreUrls(value);
  const switches = urls.flatMap((url) => ['tls', 'tlsVerifyCert'].flatMap((name) => eventStoreParameter(url, name)));
  return urls.length > 0 && switches.every((text) => text === 'true' || text === 'false');
}

function isEndpoint(value: string): boolean {
  const port = Number(HOST_AND_PORT.exec(value)?.[2]);
  return port >= 1 && port <= 65_535;
}

function isHostName(value: string): boolean {
  return /^[0-9a-z._:-]+$/i.test(value);
}

function readPem(value: string): string {
  const pem = value.includes('-----BEGIN') ? value : readFile(value);
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0 || !certificates.every(isCertificate)) throw new NotAccepted();
  return pem;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new NotAccepted();
  }
}

/** As OpenID Connect Discovery has it: the address of its document is made from it. */
function isIssuer(value: string): boolean {
  return isUrl(value, ['https:', 'http:']) && !/[?#@]/.test(value) && value.length <= 255;
}

/** `*`, or origins as a browser sends them. */
function readOrigins(value: string): readonly string[] {
  const origins = value.split(',').map((origin) => origin.trim());
  const isOrigin = (origin: string) => urlOf(origin)?.origin === origin && !origin.includes('*');
  if (!origins.every((origin) => origin === '*' || isOrigin(origin))) throw new NotAccepted();
  return origins;
}

const PLAINTEXT_SERVERS = ['database', 'eventstore', 'spicedb'] as const;
type PlaintextServer = (typeof PLAINTEXT_SERVERS)[number];

function readPlaintextServers(value: string): readonly PlaintextServer[] {
  const names = value.split(',').map((name) => name.trim());
  const known = PLAINTEXT_SERVERS.filter((name) => names.includes(name));
  if (known.length !== names.length) throw new NotAccepted();
  return known;
}

const allowPlaintext: Setting<readonly PlaintextServer[]> = {
  name: 'ALLOW_PLAINTEXT',
  meaning: 'servers that production may speak to without TLS, because the network between is private',
  accepted: 'a comma-separated list of database, eventstore and spicedb',
  shownDefault: '',
  secret: false,
  fallback: () => [],
  read: readPlaintextServers,
};

function readWrappingKeys(value: string): readonly [WrappingKey, ...WrappingKey[]] {
  const keys = parseWrappingKeys(value);
  if (!keys) throw new NotAccepted();
  return keys;
}

const personalDataKeys: Setting<readonly [WrappingKey, ...WrappingKey[]]> = {
  name: 'PERSONAL_DATA_KEYS',
  meaning:
    'key under which the keys of personal data are stored; to rotate it: the new one, a comma, the old ones, and then operator rotate-keys',
  accepted: 'id:base64 of 32 random bytes, with commas between several, each with an id of its own',
  secret: true,
  shownDefault: DEVELOPMENT_PERSONAL_DATA_KEYS,
  fallback: () => readWrappingKeys(DEVELOPMENT_PERSONAL_DATA_KEYS),
  read: readWrappingKeys,
};

const isName = (value: string) => isLine(value, 255);

export const settings = {
  nodeEnv: choice('NODE_ENV', {
    values: ['development', 'test', 'production'],
    byDefault: 'development',
    meaning: 'production refuses to start with unsafe values',
  }),
  port: integer('PORT', { min: 0, max: 65_535, byDefault: 3000, meaning: 'port of the HTTP API; 0 takes a free one' }),
  host: {
    ...text('HOST', {
      byDefault: '127.0.0.1',
      meaning: 'address the HTTP API listens on',
      accepted: 'an IP address or a host name',
      accepts: isHostName,
    }),
    shownDefault: '127.0.0.1; in production 0.0.0.0',
    fallback: (production: boolean) => (production ? '0.0.0.0' : '127.0.0.1'),
  },
  relayPort: integer('RELAY_PORT', {
    min: 0,
    max: 65_535,
    byDefault: 3001,
    meaning: 'port on HOST where a relay process answers /healthz, /readyz and /metrics; 0 takes a free one',
  }),
  shutdownDelayMs: integer('SHUTDOWN_DELAY_MS', {
    min: 0,
    max: 300_000,
    byDefault: 5000,
    meaning: 'milliseconds that an API process goes on serving after SIGTERM while its /readyz says 503',
  }),
  dataDir: text('DATA_DIR', {
    byDefault: '.data',
    meaning: 'folder of the embedded PostgreSQL and of generated secrets',
    accepted: 'a path',
    accepts: (value) => !value.includes('\0'),
  }),
  adminToken: optional('ADMIN_TOKEN', {
    meaning: 'token of the system administrator, for development; without it one is generated and kept in DATA_DIR',
    accepted: '1 to 256 visible ASCII characters',
    secret: true,
    accepts: (value) => VISIBLE_ASCII.test(value) && value.length <= 256,
  }),
  databaseUrl: optional('DATABASE_URL', {
    meaning: 'PostgreSQL; replaces the embedded one',
    accepted:
      'postgres://user:password@host:port/database of one host, percent-encoded where it has special characters',
    secret: true,
    accepts: (value) => isUrl(value, ['postgres:', 'postgresql:']) && !urlOf(value)!.hostname.includes(','),
  }),
  databasePoolMax: integer('DATABASE_POOL_MAX', {
    min: 2,
    max: 500,
    byDefault: 10,
    meaning: 'largest number of PostgreSQL connections of one process',
  }),
  eventstoreUrl: optional('EVENTSTORE_URL', {
    meaning: 'EventStoreDB; replaces the event store in PostgreSQL',
    accepted: 'esdb://user:password@host:port, with commas between the hosts of a cluster, or esdb+discover://…',
    secret: true,
    accepts: isEventStoreAddress,
  }),
  spicedbEndpoint: optional('SPICEDB_ENDPOINT', {
    meaning: 'SpiceDB; replaces the embedded one',
    accepted: 'host:port',
    accepts: isEndpoint,
  }),
  spicedbPresharedKey: optional('SPICEDB_PRESHARED_KEY', {
    meaning: 'key of SpiceDB; the embedded one generates one without it',
    accepted: '1 to 256 visible ASCII characters',
    secret: true,
    accepts: (value) => VISIBLE_ASCII.test(value) && value.length <= 256,
  }),
  spicedbTls: optionalSwitch('SPICEDB_TLS', {
    meaning: 'whether SPICEDB_ENDPOINT is spoken to over TLS',
    shownDefault: 'true; for a loopback endpoint false',
  }),
  spicedbCa: optionalOf(
    'SPICEDB_CA',
    { meaning: 'certificate authority of SPICEDB_ENDPOINT', accepted: 'a PEM certificate, or the path of one' },
    readPem,
  ),
  spicedbPort: integer('SPICEDB_PORT', {
    min: 0,
    max: 65_535,
    byDefault: 50_051,
    meaning: 'port the embedded SpiceDB listens on; 0 takes a free one',
  }),
  allowPlaintext,
  tokenPepper: text('TOKEN_PEPPER', {
    byDefault: DEVELOPMENT_TOKEN_PEPPER,
    meaning: 'key of the HMAC that stored tokens are kept as; to rotate it: the new one, a comma, the old ones',
    accepted: `${KEY_RULE}, with commas between several`,
    secret: true,
    accepts: (value) => value.split(',').every((pepper) => pepper.trim().length >= 32),
  }),
  signingKey: text('SIGNING_KEY', {
    byDefault: DEVELOPMENT_SIGNING_KEY,
    meaning: 'key that signs cursors and consistency tokens; the same for all processes',
    accepted: KEY_RULE,
    secret: true,
    accepts: (value) => value.length >= 32,
  }),
  personalDataKeys,
  oidcIssuer: optional('OIDC_ISSUER', {
    meaning: 'issuer whose tokens are accepted beside our own; needs OIDC_AUDIENCE',
    accepted: 'an http(s) address without user, query and fragment',
    accepts: isIssuer,
  }),
  oidcAudience: optional('OIDC_AUDIENCE', {
    meaning: 'audience a token of OIDC_ISSUER must name',
    accepted: '1 to 255 characters',
    accepts: isName,
  }),
  defaultTenantName: text('DEFAULT_TENANT_NAME', {
    byDefault: 'default',
    meaning: 'name of the tenant that the first start creates',
    accepted: '1 to 255 characters without control characters',
    accepts: isName,
  }),
  defaultWorkspaceName: optional('DEFAULT_WORKSPACE_NAME', {
    meaning: 'name of root workspaces; without it they are named like their tenant',
    accepted: '1 to 255 characters without control characters',
    accepts: isName,
  }),
  trustProxy: text('TRUST_PROXY', {
    byDefault: 'loopback',
    meaning: 'peers whose X-Real-IP and X-Forwarded-For are believed',
    accepted: 'none, or a comma-separated list of loopback, IP addresses and CIDR ranges',
    accepts: isTrustList,
  }),
  corsOrigins: optionalOf(
    'CORS_ORIGINS',
    {
      meaning: 'origins whose pages may call the API from a browser',
      accepted: 'a comma-separated list of origins, or *',
    },
    readOrigins,
  ),
  rateLimitPerMinute: integer('RATE_LIMIT_PER_MINUTE', {
    min: 0,
    max: 1_000_000,
    byDefault: 0,
    meaning: 'calls a minute of each principal, and of each address that does not say who calls; 0 for any number',
  }),
  authFailuresPerMinute: integer('AUTH_FAILURES_PER_MINUTE', {
    min: 0,
    max: 1_000_000,
    byDefault: 0,
    meaning: 'failed authentications a minute of each address; 0 for as many as RATE_LIMIT_PER_MINUTE',
  }),
  metricsPort: optionalOf(
    'METRICS_PORT',
    {
      meaning: 'port on HOST where the API, and npm start, answer /metrics; 0 takes a free one; none unless set',
      accepted: 'a whole number from 0 to 65535',
    },
    (text) => readInteger(text, 0, 65_535),
  ),
  otlpEndpoint: optional('OTEL_EXPORTER_OTLP_ENDPOINT', {
    meaning: 'OpenTelemetry collector that is sent spans as OTLP over HTTP; nothing is traced without it',
    accepted: 'an http(s) address',
    accepts: (value) => isUrl(value, ['https:', 'http:']),
  }),
  logLevel: choice('LOG_LEVEL', {
    values: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    byDefault: 'info',
    meaning: 'least level that is logged',
  }),
  relayMaxBatch: integer('RELAY_MAX_BATCH', {
    min: 1,
    max: 10_000,
    byDefault: 1000,
    meaning: 'largest number of events the relay commits at once',
  }),
  relayPollMs: integer('RELAY_POLL_MS', {
    min: 10,
    max: 60_000,
    byDefault: 1000,
    meaning: 'milliseconds between two looks for events when no notification comes',
  }),
  deliveryMaxUpdates: integer('DELIVERY_MAX_UPDATES', {
    min: 1,
    max: 900,
    byDefault: 900,
    meaning: 'largest number of relationship updates in one write to SpiceDB',
  }),
};

/** Which process is configured; `standalone` may embed PostgreSQL and SpiceDB. */
export type Mode = 'standalone' | 'api' | 'relay' | 'operator';

export type SettingValues = ValuesOf<typeof settings>;
