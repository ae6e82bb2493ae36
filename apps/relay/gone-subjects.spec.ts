import type { Subject } from '../../libs/assignments/index.js';
import { assignmentStream } from '../../libs/assignments/assignment-streams.js';
import { NO_STREAM } from '../../libs/event-store/index.js';
import { systemIds } from '../../libs/platform/index.js';
import { CreateServiceAccount, DeleteServiceAccount } from '../../libs/service-accounts/change-service-account.js';
import { anEvent, someMetadata } from '../../libs/testing/event-builders.js';
import { until } from '../../libs/testing/until.js';
import { DeactivateUser, RegisterUser } from '../../libs/users/index.js';
import { createTenant, type RelayNode, RelayWorld, someContext, type TestTenant, tuplesOf } from './relay.fixture.js';

let world: RelayWorld;
let node: RelayNode;
let tenant: TestTenant;
/** Tuples that SpiceDB was ever asked to have. */
const touched: string[] = [];

beforeAll(async () => {
  world = await RelayWorld.start();
  node = await world.node('relay');
  const { spicedb } = node.runtime;
  const write = spicedb.write.bind(spicedb);
  Object.defineProperty(spicedb, 'write', {
    value: (...args: Parameters<typeof write>) => {
      touched.push(...args[0].filter(({ operation }) => operation === 'touch').map(({ tuple }) => tuple));
      return write(...args);
    },
  });
  tenant = await createTenant(node);
});

afterAll(async () => {
  await world?.stop();
});

const at = '2026-01-01T00:00:00.000Z';

async function aUserWhoGoes(): Promise<Subject> {
  const userId = systemIds.ulid(new Date());
  await node.bus.execute(new RegisterUser(someContext(), { userId, externalIdentity: null, profile: {} }));
  await node.bus.execute(new DeactivateUser(someContext(), { userId }));
  return { type: 'user', id: userId };
}

async function aServiceAccountThatGoes(): Promise<Subject> {
  const key = { tenantId: tenant.tenantId, serviceAccountId: systemIds.ulid(new Date()) };
  await node.bus.execute(new CreateServiceAccount(someContext(), { ...key, name: 'gone' }));
  await node.bus.execute(new DeleteServiceAccount(someContext(), { ...key, reason: 'deleted' }));
  return { type: 'service_account', id: key.serviceAccountId };
}

it.each([
  ['user', aUserWhoGoes],
  ['service account', aServiceAccountThatGoes],
])(
  'P5 a role that a %s is given by a call that did not know they are gone is never live, and ends',
  async (_, goes) => {
    const subject = await goes();
    const { type, id } = subject;
    const { tenantId } = tenant;
    const target = { type: 'workspace' as const, id: tenant.rootWorkspaceId };
    const given = { tenantId, subject, target, role: 'editor', source: 'direct', until: null, replaced: [] };
    const data = { ...given, rolesBefore: [], rolesAfter: ['editor'], at };
    const granted = anEvent({ type: 'role-granted.v1', data, metadata: someMetadata({ tenantId }) });
    const { log, progress, pool } = node.runtime;
    const { position } = await log.append(assignmentStream({ subject, target }), NO_STREAM, [granted]);
    node.relay.start();
    await until(async () => {
      const { rows } = await pool.query(
        `select 1 from process_checkpoint where position >= $1
           and not exists (select from relationship_source where subject = $2)`,
        [position, `${type}:${id}`],
      );
      return rows.length === 1;
    }, 60_000);
    expect(await progress.waitFor('delivered', await log.head(), 60_000)).toBe(true);
    expect(touched.filter((tuple) => tuple.includes(id))).toEqual([]);
    expect(await tuplesOf(node.runtime, 'workspace', id)).toEqual([]);
  },
  120_000,
);
