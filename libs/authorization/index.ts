export * from './spicedb.js';
export { mustBeBare, mustExist } from './spicedb-requests.js';
