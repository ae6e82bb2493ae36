import type { sendUnaryData, ServerDuplexStream, ServerReadableStream } from '@grpc/grpc-js';
import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import type { UUID } from '@eventstore/db-client/generated/shared_pb.js';
import type { AppendFault, Faults } from './control.js';
import { streams } from './generated.js';
import * as message from './messages.js';
import {
  sizeOnDisk,
  type AppendOutcome,
  type Expectation,
  type ProposedEvent,
  type RecordedLog,
} from './recorded-log.js';

type BatchCall = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;
type Proposed = AppendReq.ProposedMessage | BatchAppendReq.ProposedMessage;

interface Batch {
  correlationId: UUID;
  stream: string;
  expected: Expectation;
  events: ProposedEvent[];
}

const MAX_APPEND_BYTES = 1_048_576;
const WRITE_TIMEOUT_MS = 2_000;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export class AppendService {
  constructor(
    private readonly log: RecordedLog,
    private readonly faults: Faults,
  ) {}

  readonly batchAppend = (call: BatchCall): void => {
    const pending = new Map<string, Batch>();
    call.on('data', (request: BatchAppendReq) => this.receive(call, pending, request));
    call.on('error', () => undefined);
    call.on('end', () => call.end());
  };

  readonly append = (call: ServerReadableStream<AppendReq, AppendResp>, answer: sendUnaryData<AppendResp>): void => {
    let batch: Omit<Batch, 'correlationId'> | null = null;
    call.on('data', (request: AppendReq) => {
      const options = request.getOptions();
      const proposed = request.getProposedMessage();
      if (options) {
        const stream = message.streamName(options.getStreamIdentifier());
        batch = { stream, expected: expectationOf(options, options.getRevision()), events: [] };
      }
      if (proposed) batch?.events.push(proposedEvent(proposed));
    });
    call.on('error', () => undefined);
    call.on('end', () => batch && this.applyUnary(batch, answer));
  };

  private receive(call: BatchCall, pending: Map<string, Batch>, request: BatchAppendReq): void {
    const correlationId = request.getCorrelationId() as UUID;
    const key = correlationId.getString() || JSON.stringify(correlationId.toObject());
    const options = request.getOptions();
    if (options) {
      const stream = message.streamName(options.getStreamIdentifier());
      if ((options.getDeadline()?.toDate().getTime() ?? Infinity) <= Date.now()) {
        return reply(call, correlationId, stream, message.refusedMessage(message.timeoutStatus()));
      }
      pending.set(key, {
        correlationId,
        stream,
        expected: expectationOf(options, options.getStreamPosition()),
        events: [],
      });
    }
    const batch = pending.get(key);
    if (!batch) return;
    const { stream } = batch;
    batch.events.push(...request.getProposedMessagesList().map(proposedEvent));
    if (batch.events.some((event) => !GUID.test(event.id))) {
      // The server forgets that it has answered: the batch also times out, and is answered again.
      setTimeout(() => reply(call, correlationId, stream, refused('timeout')), WRITE_TIMEOUT_MS).unref();
      return reply(call, correlationId, stream, message.refusedMessage(message.badRequestStatus('not a GUID')));
    }
    if (batch.events.reduce((size, event) => size + sizeOnDisk(event), 0) > MAX_APPEND_BYTES) {
      pending.delete(key);
      return reply(call, correlationId, stream, message.refusedMessage(message.tooLargeStatus(MAX_APPEND_BYTES)));
    }
    if (!request.getIsFinal()) return;
    pending.delete(key);
    this.apply(call, batch, this.faults.appendFault());
  }

  private apply(call: BatchCall, batch: Batch, fault: AppendFault | null): void {
    const answer = (response: BatchAppendResp) => reply(call, batch.correlationId, batch.stream, response);
    if (fault === 'hang') return;
    if (fault === 'not-ready') return answer(refused('not-ready'));
    if (fault === 'cut-before') return this.faults.cutConnections();
    const outcome = this.log.append(batch.stream, batch.expected, batch.events);
    if (fault === 'lose-reply') return;
    if (fault === 'cut-after') return this.faults.cutConnections();
    if (fault === 'time-out-after') return answer(refused('timeout'));
    const response = batchResponse(batch, outcome, fault === 'no-position');
    if (fault !== null && typeof fault === 'object') {
      setTimeout(() => answer(response), fault.delayMs).unref();
      return;
    }
    answer(response);
    if (fault === 'answer-twice') answer(batchResponse(batch, outcome, false));
  }

  private applyUnary(batch: Omit<Batch, 'correlationId'>, answer: sendUnaryData<AppendResp>): void {
    const { stream, expected, events } = batch;
    const fault = this.faults.appendFault();
    if (events.reduce((size, event) => size + sizeOnDisk(event), 0) > MAX_APPEND_BYTES) {
      return answer(message.failures.tooLarge(MAX_APPEND_BYTES));
    }
    if (fault === 'hang') return;
    if (fault === 'not-ready') return answer(message.failures.notReady());
    if (fault === 'cut-before') return this.faults.cutConnections();
    const outcome = this.log.append(stream, expected, events);
    if (fault === 'lose-reply') return;
    if (fault === 'cut-after') return this.faults.cutConnections();
    if (fault === 'time-out-after') return answer(message.failures.timeout());
    if (outcome.result === 'stream-deleted') return answer(message.failures.streamDeleted(stream));
    answer(null, unaryResponse(outcome, expected));
  }
}

function reply(call: BatchCall, correlationId: UUID, stream: string, response: BatchAppendResp): void {
  if (call.destroyed || call.cancelled) return;
  call.write(response.setCorrelationId(correlationId).setStreamIdentifier(message.streamIdentifier(stream)));
}

function refused(why: 'timeout' | 'not-ready'): BatchAppendResp {
  return message.refusedMessage(why === 'timeout' ? message.timeoutStatus() : message.notReadyStatus());
}

function batchResponse({ stream, expected }: Batch, outcome: AppendOutcome, withoutPosition: boolean): BatchAppendResp {
  const error = message.outcomeStatus(stream, expected, outcome);
  if (error) return message.refusedMessage(error);
  const { revision, position } = outcome as { revision: number; position: number };
  return message.storedMessage(revision, withoutPosition ? null : position);
}

function unaryResponse(
  outcome: Exclude<AppendOutcome, { result: 'stream-deleted' }>,
  expected: Expectation,
): AppendResp {
  if (outcome.result === 'conflict') {
    const conflict = new streams.AppendResp.WrongExpectedVersion();
    if (outcome.current >= 0) conflict.setCurrentRevision(String(outcome.current));
    if (typeof expected === 'number') conflict.setExpectedRevision(String(expected));
    return new streams.AppendResp().setWrongExpectedVersion(conflict);
  }
  const position = new streams.AppendResp.Position()
    .setCommitPosition(String(outcome.position))
    .setPreparePosition(String(outcome.position));
  const success = new streams.AppendResp.Success().setCurrentRevision(String(outcome.revision)).setPosition(position);
  return new streams.AppendResp().setSuccess(success);
}

function expectationOf(options: AppendReq.Options | BatchAppendReq.Options, revision: string): Expectation {
  if (options.hasNoStream()) return 'no-stream';
  if (options.hasStreamExists()) return 'stream-exists';
  return options.hasAny() ? 'any' : Number(revision);
}

function proposedEvent(proposed: Proposed): ProposedEvent {
  const metadata = proposed.getMetadataMap();
  return {
    id: proposed.getId()?.getString().toLowerCase() ?? '',
    type: metadata.get('type') ?? '',
    json: metadata.get('content-type') === 'application/json',
    data: proposed.getData_asU8(),
    metadata: proposed.getCustomMetadata_asU8(),
  };
}
