import { hostOf, isLoopback, trustsEverybody } from './client-address.js';
import {
  DEVELOPMENT_PERSONAL_DATA_KEYS,
  DEVELOPMENT_SIGNING_KEY,
  DEVELOPMENT_TOKEN_PEPPER,
  eventStoreParameter,
  eventStoreUrls,
  urlOf,
} from './config-settings.js';
import type { Mode, SettingValues } from './config-settings.js';
import { describeFound } from './setting.js';
import type { ConfigurationFault } from './setting.js';
import { parseWrappingKeys } from './wrapping-key.js';

type Rule = (values: SettingValues, mode: Mode) => ConfigurationFault | false | undefined;

const PUBLIC_PASSWORDS = new Set(['postgres', 'password', 'changeme', 'changeit', 'secret', 'admin']);
const PUBLIC_KEYS = new Set(['somerandomkeyhere', 'somepresharedkey', 'averysecretpresharedkey', 'presharedkey']);

function fault(variable: string, found: string, accepted: string): ConfigurationFault {
  return { variable, found, accepted };
}

function missing(variable: string, why: string): ConfigurationFault {
  return fault(variable, 'nothing', why);
}

function passwordOf(url: URL | undefined): string {
  return decodeURIComponent(url?.password ?? '');
}

/** Fewer different characters than any random key of its length has. */
function isWeak(key: string): boolean {
  return new Set(key).size < 8;
}

function isOurs(url: URL): boolean {
  return isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
}

/** What is given more than once counts as the last says, or the first: all must be safe. */
function isPlaintextDatabase({ searchParams }: URL): boolean {
  const modes = searchParams.getAll('sslmode');
  const verified = modes.length > 0 && modes.every((mode) => ['require', 'verify-ca', 'verify-full'].includes(mode));
  return !verified || searchParams.getAll('uselibpqcompat').includes('true');
}

/** A host among the parameters counts in the place of the address's; a path is a socket of this machine. */
function isOurDatabase(url: URL): boolean {
  const hosts = url.searchParams.getAll('host');
  return isOurs(url) && hosts.every((host) => host.startsWith('/') || isLoopback(host));
}

function isPlaintextEventStore(url: URL): boolean {
  return ['tls', 'tlsVerifyCert'].some((name) => eventStoreParameter(url, name).includes('false'));
}

function insteadOfPlaintext(server: string, tls: string): string {
  return `in production ${tls}, or ${server} in ALLOW_PLAINTEXT where the network between is private`;
}

/** The api and the relay never embed anything; production embeds nothing. */
function needsServers(values: SettingValues, mode: Mode): boolean {
  return values.nodeEnv === 'production' || mode === 'api' || mode === 'relay';
}

const always: Rule[] = [
  (values, mode) =>
    !values.databaseUrl && needsServers(values, mode) && missing('DATABASE_URL', 'the address of a PostgreSQL server'),
  (values, mode) =>
    !values.spicedbEndpoint &&
    needsServers(values, mode) &&
    missing('SPICEDB_ENDPOINT', 'host:port of a SpiceDB server'),
  (values) =>
    values.spicedbEndpoint !== undefined &&
    !values.spicedbPresharedKey &&
    missing('SPICEDB_PRESHARED_KEY', 'the key of the server that SPICEDB_ENDPOINT names'),
  (values, mode) =>
    mode === 'standalone' &&
    !values.spicedbEndpoint &&
    values.port === values.spicedbPort &&
    values.port !== 0 &&
    fault('SPICEDB_PORT', `${values.spicedbPort}, which is also PORT`, 'another port than PORT'),
  ({ metricsPort, port, spicedbPort, spicedbEndpoint }, mode) => {
    if (!metricsPort || (mode !== 'api' && mode !== 'standalone')) return false;
    const embedded = mode === 'standalone' && !spicedbEndpoint;
    const other = metricsPort === port ? 'PORT' : embedded && metricsPort === spicedbPort && 'SPICEDB_PORT';
    return other && fault('METRICS_PORT', `${metricsPort}, which is also ${other}`, `another port than ${other}`);
  },
  (values) =>
    values.oidcIssuer !== undefined && !values.oidcAudience && missing('OIDC_AUDIENCE', 'a value beside OIDC_ISSUER'),
  (values) =>
    values.oidcAudience !== undefined && !values.oidcIssuer && missing('OIDC_ISSUER', 'a value beside OIDC_AUDIENCE'),
];

const inProduction: Rule[] = [
  ({ adminToken }) =>
    adminToken !== undefined && fault('ADMIN_TOKEN', describeFound(adminToken, true), 'nothing in production'),
  ({ tokenPepper }) => publicKey('TOKEN_PEPPER', tokenPepper.split(','), DEVELOPMENT_TOKEN_PEPPER),
  ({ signingKey }) => publicKey('SIGNING_KEY', [signingKey], DEVELOPMENT_SIGNING_KEY),
  ({ personalDataKeys }) => {
    const found = unsafeWrappingKeys(personalDataKeys.map(({ key }) => key.export()));
    return (
      found !== undefined && fault('PERSONAL_DATA_KEYS', found, 'in production random keys of your own, as id:base64')
    );
  },
  ({ databaseUrl }) =>
    [passwordOf(urlOf(databaseUrl ?? '')), ...(urlOf(databaseUrl ?? '')?.searchParams.getAll('password') ?? [])].some(
      (password) => PUBLIC_PASSWORDS.has(password),
    ) && fault('DATABASE_URL', 'a password that everybody knows', 'in production another password'),
  ({ eventstoreUrl }) =>
    PUBLIC_PASSWORDS.has(passwordOf(eventStoreUrls(eventstoreUrl ?? '')[0])) &&
    fault('EVENTSTORE_URL', 'a password that everybody knows', 'in production another password'),
  ({ databaseUrl, allowPlaintext }) => {
    const url = urlOf(databaseUrl ?? '');
    const plain = url && isPlaintextDatabase(url) && !isOurDatabase(url) && !allowPlaintext.includes('database');
    return plain && fault('DATABASE_URL', 'no verified TLS', insteadOfPlaintext('database', 'sslmode=verify-full'));
  },
  ({ eventstoreUrl, allowPlaintext }) => {
    const foreign = eventStoreUrls(eventstoreUrl ?? '').filter((url) => !isOurs(url));
    const plain = foreign.some(isPlaintextEventStore) && !allowPlaintext.includes('eventstore');
    return plain && fault('EVENTSTORE_URL', 'no verified TLS', insteadOfPlaintext('eventstore', 'tls=true'));
  },
  ({ spicedbEndpoint, spicedbTls, allowPlaintext }) => {
    const plain = spicedbEndpoint !== undefined && spicedbTls === false && !isLoopback(hostOf(spicedbEndpoint));
    const refused = plain && !allowPlaintext.includes('spicedb');
    return refused && fault('SPICEDB_TLS', 'false', insteadOfPlaintext('spicedb', 'true'));
  },
  ({ spicedbPresharedKey: key }) =>
    key !== undefined &&
    (key.length < 16 || isWeak(key) || PUBLIC_KEYS.has(key)) &&
    fault(
      'SPICEDB_PRESHARED_KEY',
      describeFound(key, true),
      'in production a random key of your own of at least 16 characters',
    ),
  ({ oidcIssuer }) =>
    oidcIssuer?.startsWith('http:') === true &&
    fault('OIDC_ISSUER', describeFound(oidcIssuer, false), 'in production an https address'),
  ({ corsOrigins }) =>
    corsOrigins?.includes('*') === true && fault('CORS_ORIGINS', '"*"', 'in production the origins themselves'),
  ({ trustProxy }) =>
    trustsEverybody(trustProxy) &&
    fault('TRUST_PROXY', describeFound(trustProxy, false), 'in production no range that holds every address'),
  ({ tokenPepper, signingKey }) =>
    signingKey !== DEVELOPMENT_SIGNING_KEY &&
    tokenPepper.split(',').some((pepper) => pepper.trim() === signingKey) &&
    fault('SIGNING_KEY', 'the TOKEN_PEPPER', 'in production a secret of its own'),
];

function publicKey(variable: string, keys: string[], developmentKey: string): ConfigurationFault | false {
  const found = keys.some((key) => key.trim() === developmentKey)
    ? 'nothing, or the public development key'
    : keys.some((key) => isWeak(key.trim())) && 'a value that can be guessed';
  return found && fault(variable, found, 'in production a random secret of your own of at least 32 characters');
}

function unsafeWrappingKeys(keys: Buffer[]): string | undefined {
  const [{ key: known }] = parseWrappingKeys(DEVELOPMENT_PERSONAL_DATA_KEYS)!;
  if (keys.some((key) => key.equals(known.export()))) return 'nothing, or the public development key';
  if (keys.some((key) => isWeak(key.toString('latin1')))) return 'a key that can be guessed';
  const isTwice = new Set(keys.map((key) => key.toString('latin1'))).size < keys.length;
  // Who takes one of them away after a rotation has taken nothing away.
  return isTwice ? 'the same key under two ids' : undefined;
}

/** What is wrong with values that are each well-formed. */
export function configurationFaults(values: SettingValues, mode: Mode): ConfigurationFault[] {
  const rules = values.nodeEnv === 'production' ? [...always, ...inProduction] : always;
  return rules.map((rule) => rule(values, mode)).filter((found) => typeof found === 'object');
}
