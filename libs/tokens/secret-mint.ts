import { Inject, Injectable } from '@nestjs/common';
import { type CommandContext, stepContext } from '../event-store/index.js';
import { IDS, type Ids, mintToken, type Pepper } from '../platform/index.js';
import { TOKEN_PEPPERS } from './injection-tokens.js';

/** A secret that was just made; its HMAC is what is stored. */
export interface Minted {
  token: string;
  hmac: string;
  /** Of the command that stores it. */
  context: CommandContext;
  /** The whole token for whoever had it stored; null for a repeat, whose own was not. */
  toldWhere: (storedHmac: string) => string | null;
}

/** Makes the secrets of tokens and keys. */
@Injectable()
export class SecretMint {
  constructor(
    @Inject(IDS) private readonly ids: Ids,
    @Inject(TOKEN_PEPPERS) private readonly peppers: readonly [Pepper, ...Pepper[]],
  ) {}

  mint(kind: Parameters<typeof mintToken>[0], id: string, context: CommandContext): Minted {
    const { token, hmac } = mintToken(kind, id, this.ids, this.peppers[0]);
    const toldWhere = (storedHmac: string): string | null => (storedHmac === hmac ? token : null);
    // With a command id of its own for each secret: two processes that get the same call at once would both believe that
    // theirs is stored.
    return { token, hmac, context: stepContext(context, hmac), toldWhere };
  }
}
