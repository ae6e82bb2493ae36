export { requireSameLog } from './require-same-log.js';
export { checkInvariants, type CheckOptions } from './check-invariants.js';
export type { SpiceDbDifference, TupleFault } from './compare-spicedb.js';
export { acceptLostEvents, findLostEvents, type LostEvents } from './lost-events.js';
export { acceptLostKeys, findLostKeys, type LostKeys } from './lost-keys.js';
export { repairRelationships, type RepairOptions, type RepairReport } from './repair-relationships.js';
export { REBUILDING, type RelationshipsRepaired, verificationPart } from './repairs.noun.js';
export type { Check, Difference, EventRef, ParkedRow, PromiseName, Report } from './report.js';
export { definitionsOf, ownTypes } from './schema-types.js';
