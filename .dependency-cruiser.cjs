const domain =
  'authentication|users|tokens|installation|tenants|workspaces|roles|assignments|requests|service-accounts|api-keys|' +
  'permissions|membership-import';
const runtime = 'event-store|personal-data|projections|outbox|authorization|audit-log|edge';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Two files that need each other are one thought in two places.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'libs-through-their-index',
      severity: 'error',
      comment: 'A lib is used through its index alone.',
      from: {
        path: '^(apps|libs)/([^/]+)/',
        pathNot: '^libs/testing/|[.](spec|fixture|contract)[.]ts$|^libs/event-store/contract-',
      },
      to: {
        path: '^libs/([^/]+)/',
        pathNot: [
          '^libs/$2/',
          '^libs/[^/]+/index[.]ts$',
          '^libs/platform/(core|database)[.]ts$',
          '^libs/audit-log/trail[.]ts$',
        ],
      },
    },
    {
      name: 'libs-know-no-apps',
      severity: 'error',
      comment: 'Programs are made of libs, not the other way round.',
      from: { path: '^libs/', pathNot: '^libs/testing/|[.](spec|fixture)[.]ts$' },
      to: { path: '^apps/' },
    },
    {
      name: 'platform-knows-nobody',
      severity: 'error',
      comment: 'No domain words below.',
      from: { path: '^libs/platform/', pathNot: '[.]spec[.]ts$' },
      to: { path: '^libs/(?!platform/)' },
    },
    {
      name: 'runtime-knows-no-domain',
      severity: 'error',
      comment: 'What carries nouns knows none, nor those who put them together.',
      from: { path: `^libs/(${runtime})/`, pathNot: '[.]spec[.]ts$' },
      to: { path: `^libs/(${domain}|parking|verification|wiring)/` },
    },
    {
      name: 'deciders-import-only-types',
      severity: 'error',
      comment: 'Rules are pure functions: what they need is given to them.',
      from: { path: '[.]decider[.]ts$' },
      to: { dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'tests-stay-in-tests',
      severity: 'error',
      comment: 'What is shipped needs nothing that tests share.',
      from: {
        path: '^(apps|libs)/',
        pathNot: '^libs/testing/|[.](spec|fixture|contract)[.]ts$|^libs/event-store/contract-',
      },
      to: { path: '^(libs/testing|test)/' },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|test/bench/peers)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
