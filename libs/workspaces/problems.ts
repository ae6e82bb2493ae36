import { defineProblems } from '../platform/index.js';

export const workspaceProblems = defineProblems({
  'workspace-name-taken': {
    status: 409,
    title: 'The name is taken',
    next: 'Choose a name that no workspace under the same parent has.',
  },
  'parent-not-found': {
    status: 404,
    title: 'Not found',
    next: 'Check that the parent exists in this tenant and that you may create below it.',
  },
  'root-exists': { status: 409, title: 'The tenant has its root workspace', next: 'Create the workspace below it.' },
  'root-workspace': {
    status: 409,
    title: 'Not possible with the root workspace',
    next: 'It can be renamed; it goes only with its tenant.',
  },
  'workspace-has-children': {
    status: 409,
    title: 'The workspace has children',
    next: 'Delete or move the workspaces below it first.',
  },
  'workspace-cycle': {
    status: 409,
    title: 'A workspace cannot be its own ancestor',
    next: 'Choose a parent that is not below the workspace.',
  },
});
