import { createLocalJWKSet, errors, type FlattenedJWSInput, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';
import type { Clock } from './clock.js';
import { Refused } from './refusal.js';

/** A key that the provider has withdrawn is trusted this much longer at most, unless the provider is away. */
export const KEYS_MAX_AGE_MS = 600_000;
/** Between two looks for a key that is not known: made-up key ids don't become calls of the provider. */
export const KEYS_COOLDOWN_MS = 10_000;
/** After a failure, which says nothing of the keys that were asked for. */
export const KEYS_RETRY_MS = 2_000;
const FETCH_MS = 3_000;
const LARGEST_DOCUMENT = 256 * 1024;

export interface OidcKeysOptions {
  issuer: string;
  clock: Clock;
  /** Told of each failure to fetch the keys. */
  onFailure?: (error: unknown) => void;
}

/** The signing keys of an OpenID provider, found by discovery. */
export class OidcKeys {
  private find: ReturnType<typeof createLocalJWKSet> | undefined;
  private fetchedAt = -Infinity;
  private triedAt = -Infinity;
  private failed = false;
  private refreshing: Promise<void> | undefined;

  constructor(private readonly options: OidcKeysOptions) {}

  /**
   * The key that a token names. While the provider is away, the keys that are known go on to be.
   * @throws Refused `unauthenticated` for a key the provider doesn't have, `dependency-unavailable` where it can't be asked
   */
  readonly keyFor = async (header: JWSHeaderParameters, token: FlattenedJWSInput) => {
    if (this.since(this.fetchedAt) > KEYS_MAX_AGE_MS) {
      const refreshed = this.refresh();
      // A provider that was away the last time may take long to say so again.
      if (!this.failed) await refreshed;
    }
    const known = await this.known(header, token);
    if (known) return known;
    await this.refresh();
    const found = await this.known(header, token);
    if (found) return found;
    if (this.failed) throw new Refused('dependency-unavailable', 'the identity provider');
    throw new Refused('unauthenticated', 'the key of the token is not known');
  };

  private async known(header: JWSHeaderParameters, token: FlattenedJWSInput) {
    try {
      return await this.find?.(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return undefined;
      throw error;
    }
  }

  private since(time: number): number {
    return Math.abs(this.options.clock.now().getTime() - time);
  }

  private refresh(): Promise<void> {
    if (this.refreshing) return this.refreshing;
    if (this.since(this.triedAt) < (this.failed ? KEYS_RETRY_MS : KEYS_COOLDOWN_MS)) return Promise.resolve();
    this.refreshing = this.fetchKeys().finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  private async fetchKeys(): Promise<void> {
    const { issuer, clock, onFailure } = this.options;
    try {
      this.find = createLocalJWKSet(await fetchKeySet(issuer));
      this.fetchedAt = clock.now().getTime();
      this.failed = false;
    } catch (error) {
      this.failed = true;
      onFailure?.(error);
    }
    this.triedAt = clock.now().getTime();
  }
}

async function fetchKeySet(issuer: string): Promise<JSONWebKeySet> {
  const signal = AbortSignal.timeout(FETCH_MS);
  const discovery = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal);
  const { issuer: named, jwks_uri: address } = discovery;
  if (named !== issuer) throw new Error(`the discovery document is of another issuer: ${JSON.stringify(named)}`);
  if (typeof address !== 'string' || !isAsSafeAs(address, issuer)) {
    throw new Error(`the discovery document has no usable jwks_uri: ${JSON.stringify(address)}`);
  }
  const { keys } = await fetchJson(address, signal);
  if (!Array.isArray(keys) || keys.length === 0) throw new Error('the provider has no keys');
  return { keys: keys as JSONWebKeySet['keys'] };
}

/** Keys of an issuer on HTTPS come over HTTPS. */
function isAsSafeAs(address: string, issuer: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && new URL(issuer).protocol === 'http:');
}

async function fetchJson(address: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const response = await fetch(address, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`${address} answered ${response.status}`);
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > LARGEST_DOCUMENT) throw new Error(`${address} answered more than ${LARGEST_DOCUMENT} characters`);
  }
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null) throw new Error(`${address} answered no JSON object`);
  return parsed as Record<string, unknown>;
}
