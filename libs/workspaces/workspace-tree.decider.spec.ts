import fc from 'fast-check';
import { sameNameAs } from '../platform/core.js';
import { given } from '../testing/given.js';
import {
  changeWorkspace,
  clearWorkspaceTree,
  closeWorkspaceTree,
  createWorkspace,
  deleteWorkspace,
  type WorkspaceEvent,
  workspaceTree,
  type WorkspaceTree,
} from './workspace-tree.decider.js';

const tenantId = 'T';
const at = '2026-01-01T00:00:00.000Z';
const later = '2026-01-02T00:00:00.000Z';
const created = (workspaceId: string, parentId: string | null, name = workspaceId): WorkspaceEvent => ({
  type: 'workspace-created.v1',
  data: { workspaceId, tenantId, name, parentId, creatorId: null, at },
});
const deleted = (workspaceId: string, parentId: string | null): WorkspaceEvent => ({
  type: 'workspace-deleted.v1',
  data: { workspaceId, tenantId, name: workspaceId, parentId, at: later },
});
const closed: WorkspaceEvent = { type: 'workspace-tree-closed.v1', data: { tenantId, at: later } };
/** R > A > B, R > C */
const tree = [created('R', null), created('A', 'R'), created('B', 'A'), created('C', 'R')];

describe('creating a workspace', () => {
  const create =
    (workspaceId: string, parentId: string | null, name = workspaceId) =>
    (state: WorkspaceTree) =>
      createWorkspace({ workspaceId, tenantId, name, parentId, creatorId: null, at }, state, sameNameAs);

  it('begins with the root; TW-083 a second one is refused', () => {
    given(workspaceTree)
      .when(create('R', null))
      .then([created('R', null)]);
    given(workspaceTree, tree).when(create('S', null)).thenRefused('root-exists');
  });

  it('names who becomes its admin', () => {
    given(workspaceTree, tree)
      .when((state) =>
        createWorkspace(
          { workspaceId: 'D', tenantId, name: 'D', parentId: 'C', creatorId: 'U', at },
          state,
          sameNameAs,
        ),
      )
      .then([{ ...created('D', 'C'), data: { ...created('D', 'C').data, creatorId: 'U' } } as WorkspaceEvent]);
    const robot = { creatorId: 'S', creatorType: 'service_account' as const };
    given(workspaceTree, tree)
      .when((state) =>
        createWorkspace({ workspaceId: 'D', tenantId, name: 'D', parentId: 'C', ...robot, at }, state, sameNameAs),
      )
      .then([{ ...created('D', 'C'), data: { ...created('D', 'C').data, ...robot } } as WorkspaceEvent]);
  });

  it('is refused below one that is not there', () => {
    given(workspaceTree, tree).when(create('D', 'X')).thenRefused('parent-not-found', { field: 'parentId' });
    given(workspaceTree).when(create('D', 'R')).thenRefused('parent-not-found');
    given(workspaceTree, [...tree, deleted('C', 'R')])
      .when(create('D', 'C'))
      .thenRefused('parent-not-found');
  });

  it('TW-081 is refused for a name that a sibling has in whatever spelling', () => {
    for (const name of ['A', 'a', '\uff21']) {
      given(workspaceTree, tree)
        .when(create('D', 'R', name))
        .thenRefused('workspace-name-taken', { field: 'name' });
    }
    given(workspaceTree, tree)
      .when(create('D', 'A', 'A'))
      .then([created('D', 'A', 'A')]);
    given(workspaceTree, [...tree, deleted('C', 'R')])
      .when(create('D', 'R', 'C'))
      .then([created('D', 'R', 'C')]);
  });

  it('does nothing a second time', () => {
    given(workspaceTree, tree).when(create('A', 'R')).thenNothing();
  });

  it('is refused once the tenant is being deleted', () => {
    given(workspaceTree, [...tree, closed])
      .when(create('D', 'R'))
      .thenRefused('not-found');
    given(workspaceTree, [closed]).when(create('R', null)).thenRefused('not-found');
  });
});

describe('changing a workspace', () => {
  const change =
    (workspaceId: string, to: { name?: string; parentId?: string; ifRevision?: number }) => (state: WorkspaceTree) =>
      changeWorkspace({ workspaceId, tenantId, ...to, at: later }, state, sameNameAs);

  it('renames it, moves it, or both, counting each in its revision', () => {
    const renamed = (revision: number): WorkspaceEvent => ({
      type: 'workspace-renamed.v1',
      data: { workspaceId: 'B', tenantId, from: 'B', to: 'N', revision, at: later },
    });
    const moved = (revision: number): WorkspaceEvent => ({
      type: 'workspace-moved.v1',
      data: { workspaceId: 'B', tenantId, fromParentId: 'A', toParentId: 'C', revision, at: later },
    });
    given(workspaceTree, tree)
      .when(change('B', { name: 'N', ifRevision: 1 }))
      .then([renamed(2)]);
    given(workspaceTree, tree)
      .when(change('B', { parentId: 'C' }))
      .then([moved(2)]);
    given(workspaceTree, tree)
      .when(change('B', { name: 'N', parentId: 'C' }))
      .then([renamed(2), moved(3)]);
    const { state } = given(workspaceTree, [...tree, renamed(2), moved(3)]);
    expect(state.workspaces.get('B')).toMatchObject({ name: 'N', parentId: 'C', revision: 3, updatedAt: later });
  });

  it('renames the root, too', () => {
    given(workspaceTree, tree)
      .when(change('R', { name: 'N' }))
      .then([
        {
          type: 'workspace-renamed.v1',
          data: { workspaceId: 'R', tenantId, from: 'R', to: 'N', revision: 2, at: later },
        },
      ]);
  });

  it('to what it is does nothing', () => {
    given(workspaceTree, tree)
      .when(change('B', { name: 'B', parentId: 'A' }))
      .thenNothing();
  });

  it('TW-085 is refused where it would become its own ancestor', () => {
    for (const parentId of ['A', 'B']) {
      given(workspaceTree, tree).when(change('A', { parentId })).thenRefused('workspace-cycle', { field: 'parentId' });
    }
  });

  it('is refused for the root’s place, for a parent that is not there, and for a name that is taken there', () => {
    given(workspaceTree, tree)
      .when(change('R', { parentId: 'A' }))
      .thenRefused('root-workspace', { field: 'parentId' });
    given(workspaceTree, tree)
      .when(change('B', { parentId: 'X' }))
      .thenRefused('parent-not-found');
    given(workspaceTree, tree)
      .when(change('B', { name: 'c', parentId: 'R' }))
      .thenRefused('workspace-name-taken');
  });

  it('is refused to who saw an earlier state, and for one that is not there', () => {
    given(workspaceTree, tree)
      .when(change('B', { name: 'x', ifRevision: 2 }))
      .thenRefused('stale-revision');
    given(workspaceTree, tree)
      .when(change('X', { name: 'x' }))
      .thenRefused('not-found');
    given(workspaceTree, [...tree, closed])
      .when(change('B', { name: 'x' }))
      .thenRefused('not-found');
  });
});

describe('deleting a workspace', () => {
  const remove = (workspaceId: string, ifRevision?: number) => (state: WorkspaceTree) =>
    deleteWorkspace({ workspaceId, tenantId, ifRevision, at: later }, state);

  it('takes one that has none below it', () => {
    given(workspaceTree, tree)
      .when(remove('B', 1))
      .then([deleted('B', 'A')]);
    given(workspaceTree, tree).when(remove('A')).thenRefused('workspace-has-children');
    given(workspaceTree, [...tree, deleted('B', 'A')])
      .when(remove('A'))
      .then([deleted('A', 'R')]);
  });

  it('TW-078 is refused for the root', () => {
    given(workspaceTree, [created('R', null)])
      .when(remove('R'))
      .thenRefused('root-workspace');
  });

  it('is refused to who saw an earlier state, and for one that is not there', () => {
    given(workspaceTree, tree).when(remove('B', 2)).thenRefused('stale-revision');
    given(workspaceTree, [...tree, deleted('B', 'A')])
      .when(remove('B'))
      .thenRefused('not-found');
    given(workspaceTree, [...tree, closed])
      .when(remove('B'))
      .thenRefused('not-found');
  });
});

describe('clearing the workspaces of a tenant', () => {
  const close = (state: WorkspaceTree) => closeWorkspaceTree({ tenantId, at: later }, state);
  const clear = (most: number) => (state: WorkspaceTree) => clearWorkspaceTree({ tenantId, most, at: later }, state);

  it('begins by closing the tree, once', () => {
    given(workspaceTree, tree).when(clear(10)).thenNothing();
    given(workspaceTree, tree).when(close).then([closed]);
    given(workspaceTree).when(close).then([closed]);
    given(workspaceTree, [...tree, closed])
      .when(close)
      .thenNothing();
  });

  it('TW-050 takes grandchildren, children, then the root', () => {
    given(workspaceTree, [...tree, closed])
      .when(clear(10))
      .then([deleted('B', 'A'), deleted('A', 'R'), deleted('C', 'R'), deleted('R', null)]);
  });

  it('TW-051 takes every parent after all its children, however the tree grew and however many go at once', () => {
    const parents = fc.array(fc.nat(), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(parents, fc.integer({ min: 1, max: 20 }), (numbers, most) => {
        const events = numbers.map((number, i) => created(`w${i}`, i === 0 ? null : `w${number % i}`));
        let { state } = given(workspaceTree, [...events, closed]);
        for (let rounds = 0; state.workspaces.size > 0; rounds++) {
          expect(rounds).toBeLessThanOrEqual(events.length);
          for (const event of clear(most)(state) as WorkspaceEvent[]) {
            const { workspaceId } = event.data as { workspaceId: string };
            expect([...state.workspaces.values()].map(({ parentId }) => parentId)).not.toContain(workspaceId);
            state = workspaceTree.evolve(state, event, 0);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
