import type { CommandContext, DeciderRuntime, Decision } from '../event-store/index.js';
import { installation, type InstallationEvent, type InstallationState } from './installation.decider.js';

export const INSTALLATION_STREAM = 'installation';

export function executeOnInstallation(
  runtime: DeciderRuntime,
  context: CommandContext,
  decide: (state: InstallationState) => Decision<InstallationEvent>,
) {
  return runtime.execute({ stream: INSTALLATION_STREAM, decider: installation, tenantId: null, context, decide });
}
