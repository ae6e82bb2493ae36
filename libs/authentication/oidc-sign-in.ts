import { Inject, Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { isEmail } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { originOf, POOL, type Principal } from '../edge/index.js';
import { type CommandContext, processContext } from '../event-store/index.js';
import {
  CLOCK,
  type Clock,
  correlationId,
  derivedUlid,
  IDS,
  type Ids,
  isLine,
  normaliseLine,
  type OidcClaims,
  OidcKeys,
  Refused,
  verifyOidcToken,
} from '../platform/index.js';
import { Progress } from '../projections/index.js';
import { EnsureUser, type GivenProfile } from '../users/index.js';

/** Injection token of the trusted provider; undefined where there is none. */
export const OIDC = Symbol('Oidc');

export interface OidcProvider {
  issuer: string;
  audience: string;
}
interface KnownUser {
  id: string;
  name: string | null;
  active: boolean;
}

const LONGEST_NAME = 255;
const SEEN_WAIT_MS = 2_000;

/** Lets in whom a trusted OpenID provider has issued a token to; who is new becomes a user without memberships. */
@Injectable()
export class OidcSignIn {
  private readonly logger = new Logger('oidc');
  private readonly keys: OidcKeys | undefined;

  constructor(
    @Inject(OIDC) private readonly provider: OidcProvider | undefined,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(IDS) private readonly ids: Ids,
    private readonly bus: CommandBus,
    private readonly progress: Progress,
  ) {
    const onFailure = (error: unknown) => this.logger.warn(`the provider’s keys can’t be fetched: ${described(error)}`);
    this.keys = provider && new OidcKeys({ issuer: provider.issuer, clock, onFailure });
  }

  get isOn(): boolean {
    return this.provider !== undefined;
  }

  /** @throws Refused `unauthenticated`, `dependency-unavailable` */
  verify(token: string): Promise<OidcClaims> {
    if (!this.provider || !this.keys) throw new Error('no OpenID provider is configured');
    return verifyOidcToken(token, { ...this.provider, clock: this.clock, keyFor: this.keys.keyFor });
  }

  /** @throws Refused `unauthenticated` where the user is not active */
  async userOf(claims: OidcClaims, request: FastifyRequest): Promise<Principal> {
    const { id, name, active } = (await this.find(claims)) ?? (await this.register(claims, request));
    if (!active) throw new Refused('unauthenticated', 'the user is not active');
    return { type: 'user', id, name, authentication: 'oidc' };
  }

  private async find({ issuer, subject }: OidcClaims): Promise<KnownUser | undefined> {
    const { rows } = await this.pool.query<KnownUser>(
      `select id, coalesce(display_name, email) as name, active from app_user
       where issuer = $1 and external_subject = $2`,
      [issuer, subject],
    );
    return rows[0];
  }

  /** Of calls at once one registers the user, and all get the same. */
  private async register(claims: OidcClaims, request: FastifyRequest): Promise<KnownUser> {
    const { issuer, subject } = claims;
    const began = this.contextOf(request);
    const userId = derivedUlid(new Date(began.at), began.commandId, 'user');
    // Where the call came from is personal data of who is to be the user: it goes when they are erased.
    const context = { ...began, actor: { ...began.actor, onBehalfOf: { type: 'user' as const, id: userId } } };
    const claim = { userId, externalIdentity: { issuer, subject }, profile: profileOf(claims) };
    const { resource: user, position } = await this.bus.execute(new EnsureUser(context, claim));
    // An earlier user whose subject is written differently and reads the same is somebody else.
    if (user.externalIdentity?.subject !== subject) throw new Refused('unauthenticated', 'the subject is another’s');
    await this.progress.waitFor('projected', position, SEEN_WAIT_MS);
    const { id, displayName, email, active } = user;
    return { id, name: displayName ?? email, active };
  }

  private contextOf(request: FastifyRequest): CommandContext {
    const { ip, userAgent } = originOf(request);
    return {
      ...processContext('sign-in', this.clock, this.ids),
      authentication: 'oidc',
      correlationId: correlationId(),
      personal: { ...(ip && { ip }), ...(userAgent && { userAgent }) },
    };
  }
}

/** What the token says of a person, where it is fit to be kept; it is asked once, as they may change it afterwards. */
function profileOf({ name, email }: OidcClaims): GivenProfile {
  const displayName = name && normaliseLine(name);
  const address = email?.toLowerCase();
  return {
    ...(displayName && isLine(displayName, LONGEST_NAME) && { displayName }),
    ...(address && isEmail(address) && { email: address }),
  };
}

function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
