import type { Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { Config } from '../platform/index.js';
import { AuthenticationGuard } from './authentication.guard.js';
import { CredentialUses } from './credential-uses.js';
import { OIDC, type OidcProvider, OidcSignIn } from './oidc-sign-in.js';
import { OwnTokens } from './own-tokens.js';

/** The guard of every route, with what it stands on. */
export function authentication({ oidcIssuer, oidcAudience }: Pick<Config, 'oidcIssuer' | 'oidcAudience'>): Provider[] {
  const provider: OidcProvider | undefined =
    oidcIssuer && oidcAudience ? { issuer: oidcIssuer, audience: oidcAudience } : undefined;
  return [
    { provide: OIDC, useValue: provider },
    CredentialUses,
    OwnTokens,
    OidcSignIn,
    { provide: APP_GUARD, useClass: AuthenticationGuard },
  ];
}
