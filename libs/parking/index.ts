import { Module } from '@nestjs/common';
import type { DomainPart } from '../projections/index.js';
import { parkingNoun } from './parking.noun.js';
import { SettleParkedHandler } from './settle-parked.js';

export { listParked } from './list-parked.js';
export { parkingProblems } from './problems.js';
export { SettleParked } from './settle-parked.js';

@Module({ providers: [SettleParkedHandler] })
export class ParkingModule {}

export const parkingPart: DomainPart = { nouns: [parkingNoun], readModels: [], processes: [] };
