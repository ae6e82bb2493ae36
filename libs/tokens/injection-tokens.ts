/** Injection token of the configured token of the built-in administrator; undefined where there is none. */
export const ADMIN_TOKEN = Symbol('AdminToken');
/** Injection token of the peppers: the first makes new HMACs, all are tried on stored ones. */
export const TOKEN_PEPPERS = Symbol('TokenPeppers');
