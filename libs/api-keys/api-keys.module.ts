import { Module } from '@nestjs/common';
import { TokensModule } from '../tokens/index.js';
import { CreateApiKeyHandler } from './create-api-key.js';
import { ClearApiKeysHandler, EndApiKeysOfHandler, RevokeApiKeyHandler } from './end-api-keys.js';
import { GetApiKeyHandler, ListApiKeysHandler } from './list-api-keys.js';

/** Commands and queries; the routes are with the API. */
@Module({
  imports: [TokensModule],
  providers: [
    CreateApiKeyHandler,
    RevokeApiKeyHandler,
    EndApiKeysOfHandler,
    ClearApiKeysHandler,
    ListApiKeysHandler,
    GetApiKeyHandler,
  ],
})
export class ApiKeysModule {}
