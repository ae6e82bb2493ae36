import { serveConstantSpiceDb } from './constant-spicedb.js';

/** A process of its own, as SpiceDB is: until its parent ends or disconnects. */
process.once('disconnect', () => process.exit(0));
process.send!(await serveConstantSpiceDb());
