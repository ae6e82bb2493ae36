import { v1 } from '@authzed/authzed-node';
import * as grpc from '@grpc/grpc-js';
import { SpiceDb, SpiceDbUnavailable } from './spicedb.js';

const METHOD = '/authzed.api.v1.PermissionsService/CheckBulkPermissions';
const CHECK = { resource: 'workspace:w', permission: 'view', subject: 'user:u' };

let answers: v1.CheckBulkPermissionsPair['response'][];
let server: grpc.Server;
let spicedb: SpiceDb;

beforeAll(async () => {
  server = new grpc.Server();
  const bytes = (message: Buffer): Buffer => message;
  const coding = { requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes };
  const answerAll: grpc.handleUnaryCall<Buffer, Buffer> = (_call, done) => {
    const pairs = answers.map((response) => v1.CheckBulkPermissionsPair.create({ response }));
    const response = v1.CheckBulkPermissionsResponse.create({ pairs });
    done(null, Buffer.from(v1.CheckBulkPermissionsResponse.toBinary(response)));
  };
  server.addService(
    { check: { path: METHOD, requestStream: false, responseStream: false, ...coding, responseDeserialize: bytes } },
    { check: answerAll as grpc.UntypedHandleCall },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  spicedb = new SpiceDb({ endpoint: `127.0.0.1:${port}`, presharedKey: 'key', tls: false });
});

afterAll(() => {
  spicedb.close();
  server.forceShutdown();
});

const held = (permissionship = v1.CheckPermissionResponse_Permissionship.HAS_PERMISSION) => ({
  oneofKind: 'item' as const,
  item: v1.CheckBulkPermissionsResponseItem.create({ permissionship }),
});
const failed = (code: grpc.status) => ({ oneofKind: 'error' as const, error: { code, message: 'why', details: [] } });
const ask = (...given: v1.CheckBulkPermissionsPair['response'][]): Promise<boolean[]> => {
  answers = given;
  return spicedb.checkAll(
    given.map(() => CHECK),
    { full: true },
  );
};

describe('many checks in one call', () => {
  it('have an answer each: what is not fully held is denied', async () => {
    const { NO_PERMISSION, CONDITIONAL_PERMISSION } = v1.CheckPermissionResponse_Permissionship;
    const asked = [held(), held(NO_PERMISSION), held(CONDITIONAL_PERMISSION), held()];
    expect(await ask(...asked)).toEqual([true, false, false, true]);
  });

  it('deny what will never have an answer, and answer the others', async () => {
    expect(await ask(failed(grpc.status.FAILED_PRECONDITION), held())).toEqual([false, true]);
    expect(await ask(held(), failed(grpc.status.INVALID_ARGUMENT))).toEqual([true, false]);
  });

  it.each(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL', 'RESOURCE_EXHAUSTED'] as const)(
    'are not guessed where one could not be answered now (P11): %s',
    async (code) => {
      await expect(ask(held(), failed(grpc.status[code]))).rejects.toThrow(SpiceDbUnavailable);
      await expect(ask(held(), { oneofKind: undefined })).rejects.toThrow(SpiceDbUnavailable);
    },
  );
});
