import { readFile } from 'node:fs/promises';
import { mustBeBare, mustExist, SpiceDb, SpiceDbRefused, type Update } from '../../libs/authorization/index.js';
import { type EmbeddedSpiceDb, projectPath, startEmbeddedSpiceDb } from '../../libs/embedded/index.js';
import { SimulatedSpiceDb, simulatedSpiceDbClient } from './simulated-spicedb.js';

const FAILED_PRECONDITION = 9;
const INVALID_ARGUMENT = 3;

let schema: string;
let embedded: EmbeddedSpiceDb;
let real: SpiceDb;

beforeAll(async () => {
  schema = await readFile(projectPath('schema.zed'), 'utf8');
  embedded = await startEmbeddedSpiceDb({ presharedKey: 'a-key-for-tests' });
  real = new SpiceDb({ endpoint: embedded.privateEndpoint, presharedKey: embedded.privateKey, tls: false });
  await real.writeSchema(schema);
});

afterAll(async () => {
  real?.close();
  await embedded?.stop();
});

const touch = (tuple: string, expiresAt: string | null = null): Update => ({ operation: 'touch', tuple, expiresAt });
const gone = (tuple: string): Update => ({ operation: 'delete', tuple, expiresAt: null });

describe.each(['the embedded SpiceDB', 'the SpiceDB of the simulator'])('%s', (name) => {
  let spicedb: SpiceDb;
  let tests = 0;
  let id: string;

  beforeAll(() => {
    const simulated = (): SpiceDb => simulatedSpiceDbClient(new SimulatedSpiceDb(schema, () => new Date()));
    spicedb = name === 'the embedded SpiceDB' ? real : simulated();
  });
  beforeEach(() => {
    id = `w${++tests}`;
  });

  const tuple = (relation: string, subject: string): string => `workspace:${id}#${relation}@${subject}`;
  const held = async (type = 'workspace', of = id) => {
    const found = [];
    for await (const page of spicedb.readAll(type, of)) found.push(...page);
    return found.sort((one, other) => (one.tuple < other.tuple ? -1 : 1));
  };
  const refusal = async (write: Promise<unknown>): Promise<number | undefined> => {
    const error: unknown = await write.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return error instanceof SpiceDbRefused ? error.code : undefined;
  };

  it('keeps what is touched, once, and forgets what is deleted, whether or not it was there', async () => {
    const [admin, editor] = [tuple('admin', 'user:A'), tuple('editor', 'group:G#member')];
    await spicedb.write([touch(admin), touch(editor)]);
    await spicedb.write([touch(admin), gone(tuple('member', 'user:B'))]);
    expect(await held()).toEqual([
      { tuple: admin, expiresAt: null },
      { tuple: editor, expiresAt: null },
    ]);
    await spicedb.write([gone(admin)]);
    expect(await held()).toEqual([{ tuple: editor, expiresAt: null }]);
  });

  it('moves, sets and takes back an end with a touch, and shows nothing past its end', async () => {
    const admin = tuple('admin', 'user:A');
    const [later, past] = ['2100-01-01T00:00:00.000Z', '2020-01-01T00:00:00.000Z'];
    await spicedb.write([touch(admin)]);
    await spicedb.write([touch(admin, later)]);
    expect(await held()).toEqual([{ tuple: admin, expiresAt: later }]);
    await spicedb.write([touch(admin, past)]);
    expect(await held()).toEqual([]);
    await spicedb.write([touch(admin)]);
    expect(await held()).toEqual([{ tuple: admin, expiresAt: null }]);
  });

  it('writes all or nothing, and only where its preconditions hold', async () => {
    const [mark, next] = [`relay_mark:${id}#position@relay_mark:7`, `relay_mark:${id}#position@relay_mark:8`];
    await spicedb.write([touch(mark)], [mustBeBare(`relay_mark:${id}`)]);
    expect(await refusal(spicedb.write([touch(next)], [mustBeBare(`relay_mark:${id}`)]))).toBe(FAILED_PRECONDITION);
    await spicedb.write([touch(next), gone(mark)], [mustExist(mark)]);
    expect(await refusal(spicedb.write([touch(tuple('admin', 'user:A'))], [mustExist(mark)]))).toBe(
      FAILED_PRECONDITION,
    );
    expect(await held()).toEqual([]);
    expect(await held('relay_mark')).toEqual([{ tuple: next, expiresAt: null }]);
  });

  it('refuses a relationship twice in one write, and what the schema does not know', async () => {
    const admin = tuple('admin', 'user:A');
    expect(await refusal(spicedb.write([touch(admin), gone(admin)]))).toBe(INVALID_ARGUMENT);
    expect(await refusal(spicedb.write([touch(tuple('stranger', 'user:A'))]))).toBe(FAILED_PRECONDITION);
    expect(await refusal(spicedb.write([touch(tuple('admin', 'tenant:T'))]))).toBe(INVALID_ARGUMENT);
    expect(await refusal(spicedb.write([touch(tuple('tenant', 'tenant:T'), '2100-01-01T00:00:00.000Z')]))).toBe(
      INVALID_ARGUMENT,
    );
    expect(await refusal(held('stranger'))).toBe(FAILED_PRECONDITION);
    expect(await held()).toEqual([]);
  });
});
