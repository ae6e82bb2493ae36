import { setImmediate as nextTurn } from 'node:timers/promises';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { IStreamsServer } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { TcpProxy } from '../tcp-proxy.js';
import { AppendService } from './append-service.js';
import { Faults, type EventStoreDbControl } from './control.js';
import { featuresServer, gossipServer } from './discovery-services.js';
import { GossipService, ServerFeaturesService, StreamsService, streams } from './generated.js';
import { streamName } from './messages.js';
import { ReadService } from './read-service.js';
import { RecordedLog } from './recorded-log.js';

export type { AppendFault, EventStoreDbControl, ReadFault } from './control.js';

const TURNS_TO_FLUSH = 30;

export interface EventStoreDbDouble {
  url: string;
  /** For a client that looks for the members of a cluster. */
  discoveryUrl: string;
  control: EventStoreDbControl;
  stop(): Promise<void>;
}

/**
 * Behaves as EventStoreDB 23.10 does towards @eventstore/db-client in what the event log uses, and misbehaves on demand.
 * Its address is that of a proxy in front of it, so that it can restart and lose connections at one address.
 */
export async function startEventStoreDbDouble(options: { port?: number } = {}): Promise<EventStoreDbDouble> {
  const double = await Double.start(options.port);
  return {
    url: `esdb://127.0.0.1:${double.port}?tls=false`,
    discoveryUrl: `esdb+discover://127.0.0.1:${double.port}?tls=false`,
    control: double,
    stop: () => double.stop(),
  };
}

class Double implements EventStoreDbControl {
  readonly log = new RecordedLog();
  private readonly faults = new Faults();
  private reads = new ReadService(this.log, this.faults);
  private server = new Server();
  private proxy!: TcpProxy;

  static async start(port?: number): Promise<Double> {
    const double = new Double();
    double.proxy = await TcpProxy.start({ host: '127.0.0.1', port: await double.listen() }, port);
    double.faults.cutConnections = () => double.cutConnections();
    return double;
  }

  get port(): number {
    return this.proxy.address.port;
  }

  get counts(): EventStoreDbControl['counts'] {
    return this.faults.counts;
  }

  until(isMet: (counts: EventStoreDbControl['counts']) => boolean): Promise<void> {
    return this.faults.until(() => isMet(this.faults.counts));
  }

  failNextAppends(...faults: Faults['nextAppends']): void {
    this.faults.nextAppends.push(...faults);
  }

  failEveryAppend(fault: Faults['everyAppend']): void {
    this.faults.everyAppend = fault;
  }

  haveCapabilities(capabilities: Faults['capabilities']): void {
    this.faults.capabilities = capabilities;
  }

  failEveryRead(fault: Faults['everyRead']): void {
    this.faults.everyRead = fault;
  }

  muteSubscriptions(): void {
    for (const mute of this.faults.mutes) mute();
  }

  cutConnections(): void {
    this.proxy.cut();
  }

  refuseConnections(): Promise<void> {
    return this.proxy.refuse();
  }

  acceptConnections(): Promise<void> {
    return this.proxy.accept();
  }

  freezeConnections(): void {
    this.proxy.freeze();
  }

  thawConnections(): void {
    this.proxy.thaw();
  }

  strandConnections(): void {
    this.proxy.strand();
  }

  untilDisconnected(): Promise<void> {
    return this.proxy.untilIdle();
  }

  delay(ms: number): void {
    this.proxy.delay(ms);
  }

  restart(): Promise<void> {
    return this.whileDown(() => undefined);
  }

  restoreEarlier(position: number): Promise<void> {
    return this.whileDown(() => this.log.truncateAfter(position));
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    this.server.forceShutdown();
  }

  private async whileDown(work: () => void): Promise<void> {
    this.reads.failSubscriptions();
    // So that subscribers learn it from the server, as they mostly do: each hop to them takes a turn.
    for (let turn = 0; turn < TURNS_TO_FLUSH; turn++) await nextTurn();
    await this.proxy.refuse();
    this.server.forceShutdown();
    work();
    this.server = new Server();
    this.reads = new ReadService(this.log, this.faults);
    this.proxy.redirect({ host: '127.0.0.1', port: await this.listen() });
    await this.proxy.accept();
  }

  private listen(): Promise<number> {
    const { server, reads } = this;
    const appends = new AppendService(this.log, this.faults);
    const streamsServer: IStreamsServer = {
      read: reads.read,
      append: appends.append,
      batchAppend: appends.batchAppend,
      delete: ({ request }, answer) => {
        this.log.softDelete(streamName(request.getOptions()?.getStreamIdentifier()));
        answer(null, new streams.DeleteResp());
      },
      tombstone: ({ request }, answer) => {
        this.log.tombstone(streamName(request.getOptions()?.getStreamIdentifier()));
        answer(null, new streams.TombstoneResp());
      },
    };
    server.addService(StreamsService, streamsServer);
    server.addService(ServerFeaturesService, featuresServer(this.faults));
    server.addService(
      GossipService,
      gossipServer(() => this.port),
    );
    return new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
  }
}
