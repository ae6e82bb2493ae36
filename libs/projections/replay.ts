import { setTimeout as pause } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { BEFORE_START, type EventLog, type EventRegistry, type Recorded, type StoredEvent } from '../event-store/index.js';
import type { ReadModel } from './read-model.js';
import { compareTables, holdRelay, type TableComparison } from './replay-comparison.js';
import { ReplayFailed, ReplayRefused } from './replay-problems.js';
import { decodeLive, liveEnd, type LiveEnd, readUpTo } from './replay-source.js';
import { ReplayRun } from './replay-run.js';
import { rememberVersions } from './replay-versions.js';

