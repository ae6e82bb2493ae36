export { requireSameLog } from './require-same-log.js';
export { checkInvariants } from './check-invariants.js';
export { acceptLostEvents, findLostEvents, type LostEvents } from './lost-events.js';
export { acceptLostKeys, findLostKeys, type LostKeys } from './lost-keys.js';
export { repairRelationships, type RepairReport } from './repair-relationships.js';
export { REBUILDING, verificationPart } from './repairs.noun.js';
export type { Report } from './report.js';
export { definitionsOf, ownTypes } from './schema-types.js';
