export { awaitStage } from './await-stage.js';
export { ImportStopped } from './directory.js';
export { MalformedHistory } from './history.js';
export type { RefusedLine } from './import-journal.decider.js';
export {
  importMembershipHistory,
  type ImportOptions,
  type ImportProgress,
  type ImportSummary,
} from './import-membership-history.js';
export { importsPart } from './imports.noun.js';
export { linesOfFile, teamsOfFile, UnreadableFile } from './open-history.js';
export { MalformedTeams, type Team } from './teams.js';
