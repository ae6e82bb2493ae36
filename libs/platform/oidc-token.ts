import { errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose';
import type { Clock } from './clock.js';
import { Refused } from './refusal.js';

/** What clocks may differ by, in seconds. */
export const CLOCK_SKEW_S = 60;
export const LONGEST_JWT = 8_192;
const LONGEST_CLAIM = 255;
/** Asymmetric alone: with a symmetric one, everybody who knows the public key could sign. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
const TYPES = new Set(['jwt', 'application/jwt', 'at+jwt', 'application/at+jwt']);
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** What a genuine token says of whom it was issued for. */
export interface OidcClaims {
  issuer: string;
  subject: string;
  name: string | undefined;
  email: string | undefined;
}

export interface OidcTokenOptions {
  issuer: string;
  audience: string;
  clock: Clock;
  keyFor: JWTVerifyGetKey;
}

/** Whether a text has the form of a signed JWT. */
export function isJwt(text: string): boolean {
  return COMPACT_JWS.test(text);
}

/**
 * What a JWT of the issuer says, once it is known to be genuine, for this audience, and in its time.
 * @throws Refused `unauthenticated`, telling why; `dependency-unavailable` where its key can't be fetched
 */
export async function verifyOidcToken(token: string, options: OidcTokenOptions): Promise<OidcClaims> {
  if (token.length > LONGEST_JWT) throw refused('the token is too long');
  const { issuer, audience, clock, keyFor } = options;
  const now = clock.now();
  const { payload, protectedHeader } = await jwtVerify(
    token,
    (header, input) => {
      if (typeof header.kid !== 'string') throw refused('the token does not name its key');
      return keyFor(header, input);
    },
    {
      ...{ issuer, audience, algorithms: ALGORITHMS, currentDate: now, clockTolerance: CLOCK_SKEW_S },
      requiredClaims: ['exp', 'sub'],
    },
  ).catch((error: unknown) => {
    throw error instanceof Refused ? error : refused(reasonOf(error));
  });
  const { typ } = protectedHeader;
  if (typ !== undefined && !TYPES.has(String(typ).toLowerCase())) throw refused('the token is of another type');
  return claimsOf(payload, now);
}

function claimsOf({ iss, sub, iat, exp, ...claims }: JWTPayload, now: Date): OidcClaims {
  const seconds = now.getTime() / 1_000;
  if (iat !== undefined && !(iat <= seconds + CLOCK_SKEW_S)) throw refused('the token is of the future');
  if (!Number.isFinite(exp)) throw refused('the token has no end');
  if (typeof sub !== 'string' || !isSubject(sub)) throw refused('the token has no usable subject');
  return { issuer: iss!, subject: sub, name: textOf(claims.name), email: emailOf(claims) };
}

/** Subjects that differ must stay different: no two of them have the same normal form. */
export function isSubject(sub: string): boolean {
  return sub.length > 0 && sub.length <= LONGEST_CLAIM && !/\p{C}/u.test(sub) && sub.normalize('NFKC') === sub;
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim : undefined;
}

/** An address is nobody's where the provider says anything but that it has verified it; some say so in words. */
function emailOf({ email, email_verified: verified = true }: JWTPayload): string | undefined {
  return verified === true || verified === 'true' ? textOf(email) : undefined;
}

const CLAIM_REASONS: { readonly [claim: string]: string } = {
  iss: 'the token is of another issuer',
  aud: 'the token is for another audience',
  exp: 'the token has no end',
  nbf: 'the token is not valid yet',
  sub: 'the token has no usable subject',
};

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return CLAIM_REASONS[error.claim] ?? 'the token is not valid';
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the token is signed in a way that is not accepted';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the token is wrong';
  return 'the token is not valid';
}

function refused(why: string): Refused {
  return new Refused('unauthenticated', why);
}
