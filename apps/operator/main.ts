import 'reflect-metadata';
import { constants, setPriority } from 'node:os';
import { operate } from './operate.js';

const args = process.argv.slice(2);
// Whoever reads, such as head, may have enough before the end; what is written further fails by itself.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
// On a machine it shares with the live system, that goes first.
if (['replay', 'verify'].includes(args[0]!)) setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
// The EventStoreDB client keeps the process alive for a while after it is closed.
process.exit(await operate(args));
