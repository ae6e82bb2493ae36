import { chainHash, publishHeads } from '../audit-log/index.js';
import { findings, TENANT, World } from './world.fixture.js';

let world: World;
const sql = (text: string, values: unknown[] = []) => world.pool.query(text, values);

beforeAll(async () => {
  world = await World.start();
});
beforeEach(async () => {
  await world.reset();
  await world.tenant();
});
afterAll(() => world.stop());

describe('the checker, on the audit trail', () => {
  const edit = async (set: string) => {
    await world.relay();
    await sql(`update audit_entry set ${set} where chain = $1 and sequence = 4`, [TENANT]);
    return findings(await world.check());
  };

  it('catches an entry whose event was edited', async () => {
    const found = await edit(`event = replace(event, '"until":null', '"until":"now"')`);
    expect(found['audit chains']).toEqual([expect.objectContaining({ kind: 'edited', subject: `${TENANT}/4` })]);
    expect(found['one audit entry per event']).toHaveLength(1);
  });

  it.each(["action = 'tenant.renamed'", "personal = '{}'", "at = at + interval '1 second'", 'new_values = null'])(
    'catches an edit of what is shown: %s',
    async (set) => {
      expect(await edit(set)).toEqual({
        'audit chains': [expect.objectContaining({ kind: 'shown-edited', subject: `${TENANT}/4` })],
      });
    },
  );

  it('catches a removed entry', async () => {
    await world.relay();
    await sql('delete from audit_entry where sequence = 3');
    const found = findings(await world.check());
    expect(found['audit chains']).toEqual([expect.objectContaining({ kind: 'removed', subject: `${TENANT}/3` })]);
    expect(found['one audit entry per event']).toEqual([expect.objectContaining({ kind: 'missing' })]);
  });

  it('catches a cut at the end, and a chain that was calculated anew, through the published heads', async () => {
    await world.relay();
    await publishHeads(world.log, world.pool, world.context());
    await world.relay();
    expect(findings(await world.check())).toEqual({});
    await sql(
      'create table kept as select * from audit_entry where sequence > 4; delete from audit_entry where sequence > 4',
    );
    const cut = findings(await world.check());
    expect(cut['audit chains']).toEqual([expect.objectContaining({ kind: 'cut', subject: `${TENANT}/5-6` })]);
    await sql('insert into audit_entry select * from kept; drop table kept');
    await recalculate(5, 'direct', 'forged');
    const rewritten = findings(await world.check());
    expect(rewritten['audit chains']?.map(({ kind, subject }) => [kind, subject])).toEqual([
      ['rewritten', `${TENANT}/6`],
    ]);
    expect(rewritten['one audit entry per event']).toEqual([
      expect.objectContaining({ kind: 'differs', subject: `${TENANT}/5` }),
    ]);
  });

  it('catches an entry without an event', async () => {
    await world.relay();
    await sql(
      `insert into audit_entry select chain, 7, 6, gen_random_uuid(), tenant_id, action, resource_type, resource_id,
         actor_type, actor_id, at, old_values, new_values, personal, correlation_id, command_id, event, hash
       from audit_entry where sequence = 6`,
    );
    const found = findings(await world.check());
    expect(found['one audit entry per event']).toEqual([expect.objectContaining({ kind: 'extra' })]);
    expect(found['audit chains']?.[0]).toMatchObject({ kind: 'edited' });
  });
});

/** Edits an entry, and makes its rendering and all hashes after it agree with that. */
async function recalculate(sequence: number, from: string, to: string): Promise<void> {
  await sql(
    `update audit_entry set event = replace(event, $2, $3), new_values = replace(new_values::text, $2, $3)::jsonb
     where sequence = $1`,
    [sequence, from, to],
  );
  const { rows } = await sql('select sequence, event, hash from audit_entry where sequence >= $1 - 1 order by 1', [
    sequence,
  ]);
  let { hash } = rows[0];
  for (const row of rows.slice(1)) {
    hash = chainHash(hash, TENANT, row.sequence, row.event);
    await sql('update audit_entry set hash = $1 where sequence = $2', [hash, row.sequence]);
  }
}
