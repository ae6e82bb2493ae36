import 'reflect-metadata';
import { operate } from './operate.js';

// The EventStoreDB client keeps the process alive for a while after it is closed.
process.exit(await operate(process.argv.slice(2)));
