import 'reflect-metadata';
import { constants, setPriority } from 'node:os';
import { operate } from './operate.js';

const args = process.argv.slice(2);
// On a machine it shares with the live system, that goes first.
if (['replay', 'verify'].includes(args[0]!)) setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
// The EventStoreDB client keeps the process alive for a while after it is closed.
process.exit(await operate(args));
