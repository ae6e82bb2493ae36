import { startEventStoreDbDouble, type EventStoreDbDouble } from '../testing/eventstoredb-double/index.js';
import { describeEventLogContract, type RunningStore } from './event-log.contract.js';
import { EventStoreDbEventLog } from './eventstoredb-event-log.js';

class DoubleStore implements RunningStore {
  private constructor(readonly double: EventStoreDbDouble) {}

  static async start(): Promise<DoubleStore> {
    return new DoubleStore(await startEventStoreDbDouble());
  }

  async open(): Promise<EventStoreDbEventLog> {
    return EventStoreDbEventLog.connect({ url: this.double.url });
  }

  async cutConnections(): Promise<void> {
    this.double.control.cutConnections();
  }

  restart(): Promise<void> {
    return this.double.control.restart();
  }

  restoreEarlier(position: number): Promise<void> {
    return this.double.control.restoreEarlier(position);
  }

  stop(): Promise<void> {
    return this.double.stop();
  }
}

describeEventLogContract('EventStoreDbEventLog', { start: () => DoubleStore.start() });
