import { fork } from 'node:child_process';
import { once } from 'node:events';
import { v1 } from '@authzed/authzed-node';
import * as grpc from '@grpc/grpc-js';
import { projectPath } from '../../libs/embedded/index.js';

export interface ConstantSpiceDb {
  endpoint: string;
  stop(): void;
}

type Stream = grpc.handleServerStreamingCall<Buffer, Buffer>;

const PERMISSIONS = '/authzed.api.v1.PermissionsService';
const YES = v1.CheckPermissionResponse_Permissionship.HAS_PERMISSION;
const AT = v1.ZedToken.create({ token: 'constant' });
const MARK = 'relay_mark';

/**
 * A SpiceDB that says yes to every check at once, and of all that is written keeps the relay's mark alone: what a figure
 * shows is then ours.
 */
export async function startConstantSpiceDb(): Promise<ConstantSpiceDb> {
  const child = fork(projectPath('dist/test/bench/constant-spicedb-process.js'));
  const [endpoint] = (await once(child, 'message')) as [string];
  return { endpoint, stop: () => child.disconnect() };
}

/** @returns host:port */
export async function serveConstantSpiceDb(): Promise<string> {
  let mark: v1.Relationship | undefined;
  const unary: Record<string, (request: Buffer) => Uint8Array> = {
    CheckPermission: () => v1.CheckPermissionResponse.toBinary(yes()),
    CheckBulkPermissions: (request) => yesToAll(v1.CheckBulkPermissionsRequest.fromBinary(request)),
    WriteRelationships: (request) => {
      mark = touchedMark(v1.WriteRelationshipsRequest.fromBinary(request)) ?? mark;
      return v1.WriteRelationshipsResponse.toBinary(v1.WriteRelationshipsResponse.create({ writtenAt: AT }));
    },
  };
  const stored: Stream = (call) => {
    const found = v1.ReadRelationshipsResponse.create({ readAt: AT, relationship: mark });
    if (mark) call.write(Buffer.from(v1.ReadRelationshipsResponse.toBinary(found)));
    call.end();
  };
  const server = new grpc.Server();
  const methods = Object.entries(unary).map(([name, answer]): [string, grpc.UntypedHandleCall] => {
    const handle: grpc.handleUnaryCall<Buffer, Buffer> = (call, done) => done(null, Buffer.from(answer(call.request)));
    return [name, handle];
  });
  serve(server, [...methods, ['ReadRelationships', stored], ['LookupResources', ((call) => call.end()) as Stream]]);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return `127.0.0.1:${port}`;
}

function serve(server: grpc.Server, methods: [string, grpc.UntypedHandleCall][]): void {
  const bytes = (message: Buffer): Buffer => message;
  const definitions = methods.map(([name]) => [
    name,
    {
      ...{ path: `${PERMISSIONS}/${name}`, requestStream: false, responseStream: STREAMS.has(name) },
      ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
    },
  ]);
  server.addService(Object.fromEntries(definitions) as grpc.ServiceDefinition, Object.fromEntries(methods));
}

const STREAMS = new Set(['ReadRelationships', 'LookupResources']);

function yes(): v1.CheckPermissionResponse {
  return v1.CheckPermissionResponse.create({ checkedAt: AT, permissionship: YES });
}

function yesToAll({ items }: v1.CheckBulkPermissionsRequest): Uint8Array {
  const pairs = items.map((request) =>
    v1.CheckBulkPermissionsPair.create({
      request,
      response: { oneofKind: 'item', item: v1.CheckBulkPermissionsResponseItem.create({ permissionship: YES }) },
    }),
  );
  return v1.CheckBulkPermissionsResponse.toBinary(v1.CheckBulkPermissionsResponse.create({ checkedAt: AT, pairs }));
}

function touchedMark({ updates }: v1.WriteRelationshipsRequest): v1.Relationship | undefined {
  const touched = updates.filter(({ operation }) => operation === v1.RelationshipUpdate_Operation.TOUCH);
  return touched.find(({ relationship }) => relationship?.resource?.objectType === MARK)?.relationship;
}
