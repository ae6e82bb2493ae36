import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

export const AUDIENCE = 'https://countersign.example';
const SECRET = 'a-client-secret-for-tests-of-32-characters';
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** A real OpenID provider in the test's process; a client with any id may have a token, whose subject is that id. */
export class TestOidcProvider {
  /** What is added to the tokens of a subject. */
  readonly claims = new Map<string, Record<string, unknown>>();
  algorithm: Algorithm = 'RS256';
  /** How often the keys were fetched. */
  fetches = 0;
  /** Calls it took while it was silent, and has not answered. */
  readonly unanswered: ServerResponse[] = [];
  silent = false;
  private generation = 0;
  private keys: (JWK & { kid: string; alg: string })[] = [];
  private handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  private server: Server | undefined;
  private port = 0;

  static async start(): Promise<TestOidcProvider> {
    const provider = new TestOidcProvider();
    await provider.up();
    await provider.rotate();
    return provider;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Listens where it did before. */
  async up(): Promise<void> {
    this.server = createServer((request, response) => {
      if (this.silent) return void this.unanswered.push(response);
      if (request.url === '/jwks') this.fetches++;
      this.handle(request, response);
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  async down(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve) ?? resolve(undefined));
  }

  /** Has new keys from now on, and none of the old ones. */
  async rotate(): Promise<void> {
    const generation = ++this.generation;
    this.keys = await Promise.all(
      ALGORITHMS.map(async (alg) => {
        const { privateKey } = await generateKeyPair(alg, { extractable: true });
        return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: `${alg}-${generation}` };
      }),
    );
    this.handle = new Provider(this.issuer, this.configuration()).callback();
  }

  /** An access token as the provider issues it. */
  async token(subject: string, { audience = AUDIENCE } = {}): Promise<string> {
    const response = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${subject}:${SECRET}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience }),
    });
    const { access_token: token } = (await response.json()) as { access_token?: string };
    if (token === undefined) throw new Error(`the provider answered ${response.status} without a token`);
    return token;
  }

  /** A token of the caller's own making, signed with a key of the provider. */
  async signed(payload: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const { alg, ...key } = this.keys.find((candidate) => candidate.alg === (header.alg ?? this.algorithm))!;
    const claims = { iss: this.issuer, aud: AUDIENCE, sub: 'forger', iat: now, exp: now + 300, ...payload };
    return new SignJWT(claims)
      .setProtectedHeader({ alg, kid: key.kid, typ: 'at+jwt', ...header })
      .sign({ ...key, alg });
  }

  publicKey(algorithm: Algorithm): JWK {
    const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...open } = this.keys.find(({ alg }) => alg === algorithm)!;
    return open;
  }

  private configuration(): object {
    const [keys, isJwt] = [this.keys, { accessTokenFormat: 'jwt', accessTokenTTL: 300, scope: 'all' }];
    return {
      jwks: { keys },
      adapter: ClientsAdapter,
      enabledJWA: { idTokenSigningAlgValues: [...ALGORITHMS] },
      extraTokenClaims: (_context: object, { clientId }: { clientId: string }) => this.claims.get(clientId),
      ttl: { ClientCredentials: 300 },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context: object, audience: string) => {
            return { ...isJwt, audience, jwt: { sign: { alg: this.algorithm } } };
          },
        },
      },
    };
  }
}

/** Every client is known, and nothing is kept. */
class ClientsAdapter {
  constructor(private readonly model: string) {}

  async find(id: string): Promise<object | undefined> {
    if (this.model !== 'Client') return undefined;
    return {
      ...{ client_id: id, client_secret: SECRET, grant_types: ['client_credentials'] },
      ...{ redirect_uris: [], response_types: [] },
    };
  }

  async upsert(): Promise<void> {}
}
