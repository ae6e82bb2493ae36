import { describeEventLogContract } from '../../libs/event-store/event-log.contract.js';
import { SimulatedLog, SimulatedLogClient } from './simulated-log.js';

// Its outages are the simulation's to make.
describeEventLogContract('the log of the simulator', {
  capabilities: { outages: false },
  start: async () => {
    const log = new SimulatedLog('simulated');
    return {
      open: async () => new SimulatedLogClient(log),
      restart: async () => undefined,
      cutConnections: async () => undefined,
      restoreEarlier: async (position) => log.restoreTo(position),
      stop: async () => undefined,
    };
  },
});
