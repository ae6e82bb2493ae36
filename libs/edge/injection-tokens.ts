/** Injection tokens of what the process builds at start-up. */
export const EVENT_LOG = Symbol('EventLog');
export const POOL = Symbol('Pool');
export const SIGNING_KEY = Symbol('SigningKey');
export const SPICEDB = Symbol('SpiceDb');
export const KYSELY = Symbol('Kysely');
