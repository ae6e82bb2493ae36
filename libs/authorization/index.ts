export { compareSchema, withForeignDefinitions } from './compare-schema.js';
export * from './spicedb.js';
export { mustBeBare, mustExist } from './spicedb-requests.js';
