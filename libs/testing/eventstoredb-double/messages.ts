import { Metadata, status as grpcStatus, type ServiceError } from '@grpc/grpc-js';
import type { BatchAppendResp, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { StreamIdentifier } from '@eventstore/db-client/generated/shared_pb.js';
import type { Status } from '@eventstore/db-client/generated/status_pb.js';
import { google, shared, status, streams } from './generated.js';
import type { AppendOutcome, Expectation, LogRecord } from './recorded-log.js';

const TICKS_PER_MILLISECOND = 10_000n;

export function streamName(identifier: StreamIdentifier | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');
}

export function streamIdentifier(stream: string): StreamIdentifier {
  return new shared.StreamIdentifier().setStreamName(Buffer.from(stream, 'utf8').toString('base64'));
}

export function eventMessage(record: LogRecord): ReadResp {
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(record.id))
    .setStreamIdentifier(streamIdentifier(record.stream))
    .setStreamRevision(String(record.revision))
    .setCommitPosition(String(record.position))
    .setPreparePosition(String(record.position))
    .setCustomMetadata(record.metadata)
    .setData(record.data);
  recorded
    .getMetadataMap()
    .set('type', record.type)
    .set('created', String(BigInt(record.created.getTime()) * TICKS_PER_MILLISECOND))
    .set('content-type', record.json ? 'application/json' : 'application/octet-stream');
  const event = new streams.ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(String(record.position));
  return new streams.ReadResp().setEvent(event);
}

export function checkpointMessage(position: number): ReadResp {
  const checkpoint = new streams.ReadResp.Checkpoint()
    .setCommitPosition(String(position))
    .setPreparePosition(String(position));
  return new streams.ReadResp().setCheckpoint(checkpoint);
}

export function confirmationMessage(subscriptionId: string): ReadResp {
  const confirmation = new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(subscriptionId);
  return new streams.ReadResp().setConfirmation(confirmation);
}

export function caughtUpMessage(): ReadResp {
  return new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp());
}

export function streamNotFoundMessage(stream: string): ReadResp {
  const missing = new streams.ReadResp.StreamNotFound().setStreamIdentifier(streamIdentifier(stream));
  return new streams.ReadResp().setStreamNotFound(missing);
}

export function storedMessage(revision: number, position: number | null): BatchAppendResp {
  const success = new streams.BatchAppendResp.Success().setCurrentRevision(String(revision));
  if (position === null) success.setNoPosition(new google.Empty());
  else success.setPosition(allStreamPosition(position));
  return new streams.BatchAppendResp().setSuccess(success);
}

function allStreamPosition(position: number) {
  return new shared.AllStreamPosition().setCommitPosition(String(position)).setPreparePosition(String(position));
}

export function refusedMessage(error: Status): BatchAppendResp {
  return new streams.BatchAppendResp().setError(error);
}

export function conflictStatus(expected: Expectation, current: number): Status {
  const conflict = new shared.WrongExpectedVersion();
  if (current < 0) conflict.setCurrentNoStream(new google.Empty());
  else conflict.setCurrentStreamRevision(String(current));
  if (expected === 'any') conflict.setExpectedAny(new google.Empty());
  else if (expected === 'stream-exists') conflict.setExpectedStreamExists(new google.Empty());
  else if (expected === 'no-stream') conflict.setExpectedNoStream(new google.Empty());
  else conflict.setExpectedStreamPosition(String(expected));
  return packed('WrongExpectedVersion', conflict.serializeBinary());
}

export function streamDeletedStatus(stream: string): Status {
  const deleted = new shared.StreamDeleted().setStreamIdentifier(streamIdentifier(stream));
  return packed('StreamDeleted', deleted.serializeBinary());
}

export function tooLargeStatus(maxAppendSize: number): Status {
  const exceeded = new shared.MaximumAppendSizeExceeded().setMaxappendsize(maxAppendSize);
  return packed('MaximumAppendSizeExceeded', exceeded.serializeBinary());
}

export function timeoutStatus(): Status {
  return packed('Timeout', new shared.Timeout().serializeBinary());
}

export function badRequestStatus(message: string): Status {
  return packed('BadRequest', new shared.BadRequest().setMessage(message).serializeBinary());
}

/** The one refusal whose detail is empty, so that the client knows only that it doesn't know. */
export function notReadyStatus(): Status {
  const detail = new google.Any();
  detail.pack(new Uint8Array(), 'google.protobuf.Empty');
  return new status.Status().setMessage('Server Is Not Ready').setDetails(detail);
}

function packed(name: string, bytes: Uint8Array): Status {
  const detail = new google.Any();
  detail.pack(bytes, `event_store.client.${name}`);
  return new status.Status().setMessage(name).setDetails(detail);
}

export function outcomeStatus(stream: string, expected: Expectation, outcome: AppendOutcome): Status | null {
  if (outcome.result === 'conflict') return conflictStatus(expected, outcome.current);
  return outcome.result === 'stream-deleted' ? streamDeletedStatus(stream) : null;
}

function failure(code: grpcStatus, details: string, entries: Record<string, string> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

export const failures = {
  notReady: () => failure(grpcStatus.UNAVAILABLE, 'Server Is Not Ready'),
  readFailed: () => failure(grpcStatus.UNKNOWN, 'Unexpected ReadAllResult: Error'),
  shuttingDown: () => failure(grpcStatus.UNKNOWN, 'Exception was thrown by handler.'),
  timeout: () => failure(grpcStatus.ABORTED, 'Operation timed out: Prepare phase timeout.'),
  tooSlow: () =>
    failure(
      grpcStatus.ABORTED,
      'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.',
    ),
  streamDeleted: (stream: string) =>
    failure(grpcStatus.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
      exception: 'stream-deleted',
      'stream-name': stream,
    }),
  tooLarge: (maxAppendSize: number) =>
    failure(grpcStatus.INVALID_ARGUMENT, `Maximum Append Size of ${maxAppendSize} Exceeded.`, {
      exception: 'maximum-append-size-exceeded',
      'maximum-append-size': String(maxAppendSize),
    }),
};
