import { heldBy, type SourceChange, type Tuple, tupleKey } from './relationship.js';
import { SourceFold, type SourceRow } from './source-fold.js';

const tuple: Tuple = { resource: 'workspace:W', relation: 'editor', subject: 'user:U' };
const name = 'workspace:W#editor@user:U';
const early = '2026-01-01T00:00:00.000Z';
const late = '2026-02-01T00:00:00.000Z';

const want = (source: string, until: string | null = null, of: Tuple = tuple): SourceChange => ({
  want: of,
  source,
  until,
});
const end = (source: string, of: Tuple = tuple): SourceChange => ({ end: of, source });

/** Applies events in a fold that begins with rows, one list of changes per event. */
function folded(
  events: readonly (readonly SourceChange[])[],
  { rows = [] as SourceRow[], closed = new Set<string>() } = {},
) {
  const fold = new SourceFold(rows, closed);
  for (const [position, changes] of events.entries()) {
    fold.apply({ position, eventId: `e${position}`, tenantId: 'T', changes });
  }
  return fold;
}
const effects = (...events: (readonly SourceChange[])[]) =>
  folded(events).effective.map(({ position, operation, tuple: of, expiresAt }) => [position, operation, of, expiresAt]);

describe('a tuple', () => {
  it('is wanted while a source wants it', () => {
    expect(effects([want('a')], [want('b')], [end('a')], [end('b')], [want('a')])).toEqual([
      [0, 'touch', name, null],
      [3, 'delete', name, null],
      [4, 'touch', name, null],
    ]);
  });

  it('ends when the last of its sources does, never where one has no end', () => {
    expect(effects([want('a', early)], [want('b', late)], [want('c')], [end('c')], [end('b')])).toEqual([
      [0, 'touch', name, early],
      [1, 'touch', name, late],
      [2, 'touch', name, null],
      [3, 'touch', name, late],
      [4, 'touch', name, early],
    ]);
  });

  it('has the latest end, whichever of its sources came first', () => {
    expect(effects([want('a', late)], [want('b', early)], [end('b')])).toEqual([[0, 'touch', name, late]]);
  });

  it('TW-110 that is wanted again by the same source is not written again', () => {
    expect(effects([want('a')], [want('a')], [end('x')], [want('a', early)], [want('a', early)])).toEqual([
      [0, 'touch', name, null],
      [3, 'touch', name, early],
    ]);
  });

  it('that is not wanted any more is not deleted again', () => {
    expect(effects([end('a')], [{ endTuple: tuple }], [{ endObject: 'workspace:W' }])).toEqual([]);
  });

  it.each<SourceChange>([
    ...['', ':', 'workspace', 'workspace:', 'W', ':W', 'user:', 'U'].map((endObject) => ({ endObject })),
    ...['', 'user', 'user:', 'U', ':U'].map((endSubject) => ({ endSubject, tenantId: 'T', exceptSourcePrefix: 'x' })),
  ])('TW-031 is not ended by what names a type or an id alone: %j', (change) => {
    expect(effects([want('a'), want(heldBy('user:U', 'b'))], [change])).toHaveLength(1);
  });

  it('that an event ends and wants is not touched where that changes nothing', () => {
    expect(effects([want('a')], [end('a'), want('b')])).toEqual([[0, 'touch', name, null]]);
  });
});

describe('the sources of one tuple', () => {
  it('end together where the tuple is ended', () => {
    const fold = folded([[want('a'), want('b', late)], [{ endTuple: tuple }]]);
    expect(fold.effective.map(({ operation }) => operation)).toEqual(['touch', 'delete']);
    expect(fold.writes).toEqual([]);
    expect(fold.removals.map(({ source }) => source).sort()).toEqual(['a', 'b']);
  });

  it('are written and removed as they stand at the end of the batch', () => {
    const fold = folded([[want('a'), want('b')], [end('a')], [want('b', late)]]);
    expect(fold.writes).toEqual([
      {
        ...{ tuple: name, source: 'b', resource: 'workspace:W', subject: 'user:U' },
        ...{ tenantId: 'T', until: late, position: 2, withdrawn: false },
      },
    ]);
    expect(fold.removals).toEqual([{ tuple: name, source: 'a' }]);
  });
});

describe('the end of an object', () => {
  const others: Tuple[] = [
    { resource: 'workspace:W', relation: 'parent', subject: 'workspace:P' },
    { resource: 'workspace:C', relation: 'parent', subject: 'workspace:W' },
    { resource: 'workspace:X', relation: 'editor', subject: 'workspace:W#member' },
    { resource: 'workspace:WW', relation: 'editor', subject: 'user:U' },
  ];

  it('takes every tuple that names it, on either side, and no other', () => {
    const fold = folded([
      [want('a'), ...others.map((other) => want('a', null, other))],
      [{ endObject: 'workspace:W' }],
    ]);
    const deleted = fold.effective.filter(({ operation }) => operation === 'delete').map((change) => change.tuple);
    expect(deleted).toEqual([
      name,
      'workspace:W#parent@workspace:P',
      'workspace:C#parent@workspace:W',
      'workspace:X#editor@workspace:W#member',
    ]);
  });
});

describe('the end of an object with parts', () => {
  it('takes every tuple of the parts, and of no part of another object', () => {
    const part = (id: string): Tuple => ({ resource: `role_binding:${id}`, relation: 'subject', subject: 'user:U' });
    const fold = folded([[want('a', null, part('W/R')), want('a', null, part('X/W'))], [{ endObject: 'workspace:W' }]]);
    const deleted = fold.effective.filter(({ operation }) => operation === 'delete').map((change) => change.tuple);
    expect(deleted).toEqual(['role_binding:W/R#subject@user:U']);
  });
});

describe('the end of what somebody has in a tenant', () => {
  it('takes the sources that they are the holder of, and leaves those of others', () => {
    const link: Tuple = { resource: 'role_binding:W/R', relation: 'role', subject: 'role:R' };
    const gone: SourceChange = { endSubject: 'user:U', tenantId: 'T', exceptSourcePrefix: 'tenant-admin/' };
    const wanted = [want(heldBy('user:U', 'direct'), null, link), want(heldBy('user:V', 'direct'), null, link)];
    const fold = folded([wanted, [gone]]);
    expect(fold.removals).toEqual([{ tuple: 'role_binding:W/R#role@role:R', source: 'user:U direct' }]);
    expect(folded([wanted, [{ endObject: 'user:U' }]]).removals).toEqual(fold.removals);
    expect(folded([wanted, [gone, { ...gone, endSubject: 'user:V' }]]).effective.at(-1)).toMatchObject({
      operation: 'delete',
    });
  });

  const inTenant: Tuple = { resource: 'tenant:T', relation: 'member', subject: 'user:U' };
  const admin: Tuple = { resource: 'tenant:T', relation: 'admin', subject: 'user:U' };
  const ofAnother: Tuple = { resource: 'workspace:W', relation: 'editor', subject: 'user:V' };
  const elsewhere: SourceRow = {
    ...{ tuple: 'workspace:Z#editor@user:U', source: 'direct', resource: 'workspace:Z', subject: 'user:U' },
    ...{ tenantId: 'S', until: null, position: 0, withdrawn: false },
  };
  const gone: SourceChange = { endSubject: 'user:U', tenantId: 'T', exceptSourcePrefix: 'tenant-admin/' };

  it('leaves others, other tenants and what other streams decide', () => {
    const wanted = [
      want('direct'),
      want('direct', null, inTenant),
      want('direct', null, ofAnother),
      want('tenant-admin/x', null, admin),
    ];
    const fold = folded([wanted, [gone]], { rows: [elsewhere] });
    const deleted = fold.effective.filter(({ operation }) => operation === 'delete').map((change) => change.tuple);
    expect(deleted).toEqual([name, 'tenant:T#member@user:U']);
  });
});

describe('a tuple that was parked', () => {
  const settle = (resend?: string): SourceChange => ({
    settle: 'P',
    as: 'retried',
    by: 'Ada',
    ...(resend && { resend }),
  });

  it('is delivered again when it is tried again, as it is wanted by then', () => {
    expect(effects([want('a', late)], [settle(name)], [end('a')], [settle(name)])).toEqual([
      [0, 'touch', name, late],
      [1, 'touch', name, late],
      [2, 'delete', name, null],
      [3, 'delete', name, null],
    ]);
  });

  it('is settled, and not delivered, where nothing is to be', () => {
    const fold = folded([[want('a')], [settle()]]);
    expect(fold.settled).toEqual([settle()]);
    expect(fold.effective).toHaveLength(1);
  });
});

describe('a tenant that is closed', () => {
  it('yields only deletes from then on, also in the same batch', () => {
    expect(
      effects([want('a')], [{ closeTenant: 'T' }], [want('b', null, { ...tuple, relation: 'admin' })], [end('a')]),
    ).toEqual([
      [0, 'touch', name, null],
      [3, 'delete', name, null],
    ]);
    expect(folded([[want('a')]], { closed: new Set(['T']) }).effective).toEqual([]);
    expect(folded([[want('a')]], { closed: new Set(['S']) }).effective).toHaveLength(1);
  });
});

describe('a subject that is suspended', () => {
  const suspend: SourceChange = { suspend: 'user:U' };
  const reinstate: SourceChange = { reinstate: 'user:U' };
  const restore: SourceChange = { restore: 'user:U', tenantId: 'T', most: 2 };
  const of = (workspace: string): Tuple => ({ ...tuple, resource: `workspace:${workspace}` });
  const at = (workspace: string) => `workspace:${workspace}#editor@user:U`;

  it('has no tuple, whatever comes to want one; others keep theirs', () => {
    const other: Tuple = { ...tuple, subject: 'user:V' };
    expect(effects([want('a'), want('a', null, other)], [suspend], [want('b')], [want('a', late)], [suspend])).toEqual([
      [0, 'touch', name, null],
      [0, 'touch', tupleKey(other), null],
      [1, 'delete', name, null],
    ]);
  });

  it('gets back what is still wanted, with the end it has by then', () => {
    const given = [want('a'), want('b', early), want('a', null, of('X')), want('a', null, of('Y'))];
    const meanwhile = [end('a'), want('c', late), end('a', of('X'))];
    expect(effects(given, [suspend], meanwhile, [reinstate], [restore]).slice(-2)).toEqual([
      [4, 'touch', name, late],
      [4, 'touch', at('Y'), null],
    ]);
  });

  it('gets it back in parts, in order; what it is given meanwhile counts at once', () => {
    const given = [want('a', null, of('Y')), want('a', early), want('a', null, of('Z')), want('a', null, of('X'))];
    expect(
      effects(given, [suspend], [reinstate], [want('b', late, of('Z'))], [restore], [restore], [restore]).slice(-5),
    ).toEqual([
      [3, 'touch', at('Z'), late],
      [4, 'touch', name, early],
      [4, 'touch', at('X'), null],
      [5, 'touch', at('Y'), null],
      [5, 'touch', at('Z'), null],
    ]);
  });

  it('gets nothing back that is somebody else’s', () => {
    const other = { suspend: 'user:V' };
    const both = [want('a'), want('a', null, { ...tuple, subject: 'user:V' })];
    const all = effects(both, [suspend, other], [reinstate, { reinstate: 'user:V' }], [restore]);
    expect(all.slice(4)).toEqual([[3, 'touch', name, null]]);
  });

  it('gets nothing back that belongs to another tenant, to a closed one, or once it is suspended again', () => {
    const gone = folded([[want('a')], [suspend], [reinstate], [{ ...restore, tenantId: null }]]);
    expect(gone.effective).toHaveLength(2);
    expect(effects([want('a')], [suspend], [reinstate], [suspend], [restore])).toHaveLength(2);
    expect(effects([want('a')], [suspend], [reinstate], [{ closeTenant: 'T' }], [restore])).toHaveLength(2);
  });
});
