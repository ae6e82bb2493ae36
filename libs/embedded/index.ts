export { compiledPath, projectPath } from './compiled-path.js';
export { lockDataFolder, type FolderLock } from './data-folder.js';
export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.js';
export { startEmbeddedSpiceDb, type EmbeddedSpiceDb, type EmbeddedSpiceDbOptions } from './embedded-spicedb.js';
export type { GatewayExit } from './spicedb-gateway-process.js';
export { makeFolder } from './make-folder.js';
export { requireFreePort } from './ports.js';
