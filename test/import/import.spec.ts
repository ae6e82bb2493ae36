import { isSame, replay } from '../../libs/projections/index.js';
import { startTestApp, type TestApp } from '../../libs/testing/test-app.js';
import {
  eventsAfter,
  faultsOf,
  type History,
  importInto,
  names,
  rolesInSpiceDb,
  someHistory,
} from './history-world.js';

const LONG_MS = 300_000;

let app: TestApp;
let history: History;

beforeAll(async () => {
  [app, history] = await Promise.all([startTestApp(), someHistory()]);
}, LONG_MS);
afterAll(() => app?.stop());

describe('a whole membership history', () => {
  it(
    'ends with exactly the roles in SpiceDB that hold after its last line',
    async () => {
      const began = performance.now();
      const summary = await importInto(app, history);
      await app.settled();
      const rate = Math.round(summary.lines / ((performance.now() - began) / 1_000));
      process.stdout.write(`${history.name}: ${summary.lines} lines, ${rate} lines/s until they are live in SpiceDB\n`);
      expect(await rolesInSpiceDb(app)).toEqual(history.final);
      expect(summary).toMatchObject({ unchanged: 0, refused: [], grants: expect.any(Number) });
      expect(summary.grants + summary.revokes).toBe(summary.lines);
    },
    LONG_MS,
  );

  it('makes every team a workspace below that of its parent, or below the root', async () => {
    const { tenants, workspaces } = await names(app);
    const nested = [...workspaces.values()]
      .filter(({ tenant_id, parent_id }) => parent_id !== null && tenant_id !== app.installation.defaultTenantId)
      .map(({ tenant_id, name, parent_id }) => {
        const above = workspaces.get(parent_id!)!;
        return JSON.stringify([tenants.get(tenant_id), name, above.parent_id === null ? '' : above.name]);
      });
    const asked = new Map(history.teams.map(({ org, team, parent }) => [JSON.stringify([org, team]), parent]));
    const expected = nested.map((text) => {
      const [org, team] = JSON.parse(text) as [string, string];
      return JSON.stringify([org, team, asked.get(JSON.stringify([org, team])) ?? '']);
    });
    expect(nested.sort()).toEqual(expected.sort());
    expect(nested.length).toBeGreaterThan(0);
  });

  it('is carried out by the importer, at the times of the lines, and makes nobody an admin for creating', async () => {
    const imported = (await eventsAfter(app)).filter(({ metadata }) => metadata.actor.id === 'importer');
    const dated = imported.filter(({ type }) => type !== 'import-progressed.v1');
    expect(new Set(dated.map(({ metadata }) => metadata.authentication))).toEqual(new Set(['operator']));
    expect(new Set(dated.map(({ data, metadata }) => (data['at'] ?? metadata.at) === metadata.at))).toEqual(
      new Set([true]),
    );
    expect(dated.every(({ metadata }) => metadata.at < '2023')).toBe(true);
    const created = imported.filter(({ type }) => type === 'workspace-created.v1');
    expect(created.every(({ data }) => data['creatorId'] === null)).toBe(true);
  });

  it(
    'leaves everything as the log says it must be',
    async () => {
      expect(await faultsOf(app)).toEqual([]);
    },
    LONG_MS,
  );

  it(
    'gives the same rows when it is replayed',
    async () => {
      const { pool, log, domain } = app.runtime;
      const { registry, readModels: models, relationships } = domain;
      const { tables } = await replay({ pool, log, registry, models, relationships });
      expect(tables.filter((table) => !isSame(table))).toEqual([]);
      expect(tables.some(({ table, liveRows }) => table === 'assignment' && liveRows > 1_000)).toBe(true);
    },
    LONG_MS,
  );

  it(
    'changes nothing when it is imported again',
    async () => {
      const head = await app.runtime.log.head();
      const again = await importInto(app, history);
      const nothing = { grants: 0, revokes: 0, users: 0, tenants: 0, workspaces: 0 };
      expect(again).toMatchObject({ unchanged: again.lines, ...nothing });
      expect(await eventsAfter(app, head)).toEqual([]);
    },
    LONG_MS,
  );
});
