import { EventStoreDBClient } from '@eventstore/db-client';
import type { Channel } from '@grpc/grpc-js';
import type { Duplex } from 'node:stream';
import { within } from './waiting.js';

type OpenStream = (grpcClient: unknown) => Duplex;
type CreateStream = (grpcType: unknown, name: string, open: OpenStream, cache?: unknown) => () => Promise<Duplex>;

/** Parts of the client that its types keep to itself. */
interface ClientInternals {
  GRPCStreamCreator: CreateStream;
  handleError(grpcClient: unknown, error: Error): Promise<void>;
  getChannel(): Promise<Channel>;
}

const LONGEST_DISPOSAL_MS = 1_000;
const KEEP_ALIVE_INTERVAL = /([?&]keep[-_]?alive[-_]?interval=)(-?\d+)/i;
/** The client's default. */
const KEEP_ALIVE_MS = 10_000;
const MOST_APART_MS = 1_000;

let opened = 0;

export type OnUnexpectedReply = (error: unknown) => void;

/** Connects on first use. */
export function openClient(url: string, onUnexpectedReply: OnUnexpectedReply): EventStoreDBClient {
  const client = EventStoreDBClient.connectionString(withOwnConnection(url));
  const internals = client as unknown as ClientInternals;
  surviveUnexpectedReplies(internals, onUnexpectedReply);
  surviveFailedDiscovery(internals);
  return client;
}

/**
 * Channels of one process with equal options share their connection, so that a new client would be stuck on the same
 * dead one as the client that it replaces. A millisecond more of keepalive makes them differ.
 */
function withOwnConnection(url: string): string {
  opened = (opened + 1) % MOST_APART_MS;
  const given = KEEP_ALIVE_INTERVAL.exec(url);
  if (!given) return `${url}${url.includes('?') ? '&' : '?'}keepAliveInterval=${KEEP_ALIVE_MS + opened}`;
  const ms = Number(given[2]);
  // -1 turns it off.
  return ms < 0 ? url : url.replace(given[0], `${given[1]}${ms + opened}`);
}

/** Cancels what is under way and closes the connection, which `dispose` alone leaves open. */
export async function releaseClient(client: EventStoreDBClient): Promise<void> {
  await within(client.dispose(), LONGEST_DISPOSAL_MS).catch(() => undefined);
  const internals = client as unknown as ClientInternals;
  // Not awaited: for a cluster that can't be reached this is a search that takes seconds.
  void internals.getChannel().then(
    (channel) => channel.close(),
    () => undefined,
  );
}

/**
 * A reply to an append that the client no longer waits for makes it throw in a stream's listener, which ends the
 * process: the second one to a request, or any that comes after another connection of this process broke.
 */
function surviveUnexpectedReplies(client: ClientInternals, onUnexpectedReply: OnUnexpectedReply): void {
  const create = client.GRPCStreamCreator;
  client.GRPCStreamCreator = (grpcType, name, open, cache) =>
    create(grpcType, name, (grpcClient) => guardListeners(open(grpcClient), onUnexpectedReply), cache);
}

/** While it looks for a cluster, the client also waits for that where nobody listens for the failure. */
function surviveFailedDiscovery(client: ClientInternals): void {
  const handle = client.handleError;
  client.handleError = (grpcClient, error) => handle(grpcClient, error).catch(() => undefined);
}

function guardListeners(stream: Duplex, onUnexpectedReply: OnUnexpectedReply): Duplex {
  for (const listener of stream.listeners('data')) {
    stream.on('data', (reply: unknown) => {
      try {
        listener.call(stream, reply);
      } catch (error) {
        onUnexpectedReply(error);
      }
    });
    stream.off('data', listener as (reply: unknown) => void);
  }
  return stream;
}
