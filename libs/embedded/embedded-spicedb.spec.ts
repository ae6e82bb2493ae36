import { v1 } from '@authzed/authzed-node';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChildScript } from '../testing/child-script.js';
import { until } from '../testing/until.js';
import { startEmbeddedSpiceDb, type EmbeddedSpiceDb } from './embedded-spicedb.js';
import { processIdentity } from './process-identity.js';

const SCHEMA = `use expiration
definition user {}
definition document {
  relation viewer: user | user with expiration
  permission view = viewer
}`;
const { TOUCH, CREATE, DELETE } = v1.RelationshipUpdate_Operation;

let spicedb: EmbeddedSpiceDb;
let client: v1.ZedClientInterface;
let permissions: v1.ZedPromiseClientInterface;

function connectTo(endpoint: string, key: string): v1.ZedClientInterface {
  return v1.NewClient(key, endpoint, v1.ClientSecurity.INSECURE_PLAINTEXT_CREDENTIALS);
}

function relationship(document: string, user: string, expiresAt?: Date): v1.Relationship {
  return v1.Relationship.create({
    resource: { objectType: 'document', objectId: document },
    relation: 'viewer',
    subject: { object: { objectType: 'user', objectId: user }, optionalRelation: '' },
    ...(expiresAt && {
      optionalExpiresAt: { seconds: String(Math.floor(expiresAt.getTime() / 1000)), nanos: 0 },
    }),
  });
}

function write(
  operation: v1.RelationshipUpdate_Operation,
  changed: v1.Relationship,
  preconditions: v1.Precondition[] = [],
): Promise<v1.WriteRelationshipsResponse> {
  const updates = [v1.RelationshipUpdate.create({ operation, relationship: changed })];
  return permissions.writeRelationships(
    v1.WriteRelationshipsRequest.create({ updates, optionalPreconditions: preconditions }),
  );
}

const fullyConsistent = v1.Consistency.create({
  requirement: { oneofKind: 'fullyConsistent', fullyConsistent: true },
});

async function mayView(document: string, user: string): Promise<boolean> {
  const { resource, subject } = relationship(document, user);
  const { permissionship } = await permissions.checkPermission(
    v1.CheckPermissionRequest.create({ resource, permission: 'view', subject, consistency: fullyConsistent }),
  );
  return permissionship === v1.CheckPermissionResponse_Permissionship.HAS_PERMISSION;
}

function answersAt(endpoint: string): Promise<boolean> {
  const [host = '', port = ''] = endpoint.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function folderOf(pid: number): Promise<string | undefined> {
  for (const name of (await readdir(tmpdir())).filter((found) => found.startsWith('csdb-'))) {
    const owner = await readFile(join(tmpdir(), name, 'owner'), 'utf8').catch(() => '');
    if (owner.startsWith(`${pid} `)) return join(tmpdir(), name);
  }
  return undefined;
}

describe('the embedded SpiceDB, through an unmodified client', () => {
  beforeAll(async () => {
    spicedb = await startEmbeddedSpiceDb({ presharedKey: 'the key' });
    await spicedb.open();
    client = connectTo(spicedb.endpoint, 'the key');
    permissions = client.promises;
    await permissions.writeSchema(v1.WriteSchemaRequest.create({ schema: SCHEMA }));
  });

  afterAll(async () => {
    client.close();
    await spicedb.stop();
  });

  it('checks what was written, and no longer what was deleted', async () => {
    await write(TOUCH, relationship('plan', 'ada'));
    expect([await mayView('plan', 'ada'), await mayView('plan', 'bob')]).toEqual([true, false]);
    await write(DELETE, relationship('plan', 'ada'));
    expect(await mayView('plan', 'ada')).toBe(false);
    await write(TOUCH, relationship('plan', 'ada'));
    const relationshipFilter = v1.RelationshipFilter.create({ resourceType: 'document', optionalResourceId: 'plan' });
    await permissions.deleteRelationships(v1.DeleteRelationshipsRequest.create({ relationshipFilter }));
    expect(await mayView('plan', 'ada')).toBe(false);
  });

  it('passes codes and messages of refusals on', async () => {
    const filter = v1.RelationshipFilter.create({ resourceType: 'document', optionalResourceId: 'missing' });
    const precondition = v1.Precondition.create({ operation: v1.Precondition_Operation.MUST_MATCH, filter });
    await expect(write(TOUCH, relationship('memo', 'ada'), [precondition])).rejects.toMatchObject({
      code: 9,
      details: expect.stringContaining('unable to satisfy write precondition') as string,
    });
    expect(await mayView('memo', 'ada')).toBe(false);
    await write(CREATE, relationship('memo', 'ada'));
    await expect(write(CREATE, relationship('memo', 'ada'))).rejects.toMatchObject({ code: 6 });
    await expect(write(TOUCH, relationship('not an id', 'ada'))).rejects.toMatchObject({ code: 3 });
  });

  it('ends a relationship at its expiration', async () => {
    await write(TOUCH, relationship('offer', 'ada', new Date(Date.now() + 2_000)));
    expect(await mayView('offer', 'ada')).toBe(true);
    await until(async () => !(await mayView('offer', 'ada')));
  });

  it('streams reads and lookups', async () => {
    const users = Array.from({ length: 300 }, (_, index) => `user${index}`);
    const updates = users.map((user) =>
      v1.RelationshipUpdate.create({ operation: TOUCH, relationship: relationship('list', user) }),
    );
    await permissions.writeRelationships(v1.WriteRelationshipsRequest.create({ updates }));
    const { resource, subject } = relationship('list', 'user7');
    const relationshipFilter = v1.RelationshipFilter.create({ resourceType: 'document', optionalResourceId: 'list' });
    const read = await permissions.readRelationships(
      v1.ReadRelationshipsRequest.create({ relationshipFilter, consistency: fullyConsistent }),
    );
    expect(read.map((row) => row.relationship?.subject?.object?.objectId).sort()).toEqual(users.sort());
    const subjects = await permissions.lookupSubjects(
      v1.LookupSubjectsRequest.create({
        resource,
        permission: 'view',
        subjectObjectType: 'user',
        consistency: fullyConsistent,
      }),
    );
    expect(subjects).toHaveLength(300);
    const resources = await permissions.lookupResources(
      v1.LookupResourcesRequest.create({
        resourceObjectType: 'document',
        permission: 'view',
        subject,
        consistency: fullyConsistent,
      }),
    );
    expect(resources.map((row) => row.resourceObjectId)).toEqual(['list']);
  });

  it('watches changes, and takes a cancelled watch', async () => {
    const { writtenAt } = await write(TOUCH, relationship('seen', 'ada'));
    const watch = client.watch(v1.WatchRequest.create({ optionalStartCursor: writtenAt }));
    const changed: (string | undefined)[] = [];
    watch.on('data', ({ updates }: v1.WatchResponse) => {
      changed.push(...updates.map((update) => update.relationship?.resource?.objectId));
    });
    const ended = new Promise<unknown>((resolve) => watch.on('error', resolve));
    await write(TOUCH, relationship('seen-later', 'ada'));
    await until(() => changed.includes('seen-later'));
    watch.cancel();
    expect(await ended).toMatchObject({ code: 1 });
    expect(await mayView('seen', 'ada')).toBe(true);
  });

  it('refuses a wrong key and a missing one', async () => {
    const wrong = connectTo(spicedb.endpoint, 'another key');
    const refused = { code: 16 };
    await expect(wrong.promises.readSchema(v1.ReadSchemaRequest.create())).rejects.toMatchObject(refused);
    const relationshipFilter = v1.RelationshipFilter.create({ resourceType: 'document' });
    await expect(
      wrong.promises.readRelationships(v1.ReadRelationshipsRequest.create({ relationshipFilter })),
    ).rejects.toMatchObject(refused);
    await expect(wrong.promises.reflectSchema(v1.ReflectSchemaRequest.create())).rejects.toMatchObject(refused);
    wrong.close();
    const keyless = connectTo(spicedb.privateEndpoint, spicedb.presharedKey);
    await expect(keyless.promises.readSchema(v1.ReadSchemaRequest.create())).rejects.toMatchObject(refused);
    keyless.close();
  });

  it('says what it does not have', async () => {
    await expect(permissions.reflectSchema(v1.ReflectSchemaRequest.create())).rejects.toMatchObject({
      code: 12,
      details: expect.stringContaining("ReflectSchema isn't available in the embedded SpiceDB") as string,
    });
  });

  it('answers a health check without a key', async () => {
    const health = new Client(spicedb.endpoint, credentials.createInsecure());
    const bytes = (message: Buffer) => message;
    const answer = await new Promise((resolve, reject) => {
      const call = ['/grpc.health.v1.Health/Check', bytes, bytes, Buffer.alloc(0), new Metadata()] as const;
      health.makeUnaryRequest(...call, (error, value) => (error ? reject(error) : resolve(value)));
    });
    expect(answer).toEqual(Buffer.from([8, 1]));
    health.close();
  });

  it('answers 500 checks that are sent at once', async () => {
    await write(TOUCH, relationship('busy', 'ada'));
    const answers = await Promise.all(Array.from({ length: 500 }, () => mayView('busy', 'ada')));
    expect(answers.every(Boolean)).toBe(true);
  });
});

describe('the process of the embedded SpiceDB', () => {
  let started: EmbeddedSpiceDb | undefined;

  afterEach(() => started?.stop());

  it('serves others only when it is opened, and us before', async () => {
    started = await startEmbeddedSpiceDb({ presharedKey: 'the key' });
    expect(await answersAt(started.endpoint)).toBe(false);
    const ours = connectTo(started.privateEndpoint, started.privateKey);
    await ours.promises.writeSchema(v1.WriteSchemaRequest.create({ schema: SCHEMA }));
    ours.close();
    await started.open();
    const others = connectTo(started.endpoint, 'the key');
    expect((await others.promises.readSchema(v1.ReadSchemaRequest.create())).schemaText).toContain('document');
    others.close();
    expect(await started.memoryBytes()).toBeGreaterThan(10_000_000);
  });

  it('says which port is taken and which variable sets it', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    const port = await until(() => (blocker.address() as AddressInfo | null)?.port);
    await expect(startEmbeddedSpiceDb({ port, presharedKey: 'the key' })).rejects.toThrow(
      `Port ${port} for SpiceDB is already in use. Stop what listens there, or set SPICEDB_PORT to another port.`,
    );
    blocker.close();
  });

  it('leaves nothing when it is stopped', async () => {
    started = await startEmbeddedSpiceDb({ presharedKey: 'the key' });
    const folder = await folderOf(started.pid);
    expect(folder && existsSync(folder)).toBe(true);
    await started.stop();
    expect(await started.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(processIdentity(started.pid)).toBeUndefined();
    expect(existsSync(folder ?? '')).toBe(false);
  });

  it('is seen to end when it crashes', async () => {
    started = await startEmbeddedSpiceDb({ presharedKey: 'the key' });
    const folder = (await folderOf(started.pid)) ?? '';
    process.kill(started.pid, 'SIGSEGV');
    expect((await started.exited).signal).not.toBeNull();
    await expect(started.memoryBytes()).rejects.toThrow('The embedded SpiceDB');
    await until(() => !existsSync(folder));
  });

  it('ends when the process that started it is killed', async () => {
    const script = `const { pid } = await m.startEmbeddedSpiceDb({ presharedKey: 'the key' });
      console.log(pid);
      setInterval(() => {}, 1000);`;
    const parent = runChildScript(['libs/embedded/embedded-spicedb.js'], script);
    const pid = Number(await parent.nextLine());
    const folder = await folderOf(pid);
    expect(folder && existsSync(folder)).toBe(true);
    parent.process.kill('SIGKILL');
    await until(() => processIdentity(pid) === undefined);
    expect(existsSync(folder ?? '')).toBe(false);
  });
});
