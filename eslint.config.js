import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Name what you export.',
};
const pureTime = {
  selector:
    "CallExpression[callee.object.name='Date'][callee.property.name='now'], NewExpression[callee.name='Date'][arguments.length=0], CallExpression[callee.name='randomUUID'], CallExpression[callee.property.name='randomUUID'], CallExpression[callee.object.name='Math'][callee.property.name='random']",
  message: 'Time, ids and randomness are passed in; only libs/platform and tests make them.',
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.data/', 'test/bench/peers/', 'coverage/'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': ['error', noDefaultExport],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'off',
    },
  },
  {
    files: ['apps/**/*.ts', 'libs/**/*.ts'],
    ignores: [
      '**/*.spec.ts',
      '**/*.fixture.ts',
      '**/contract-*.ts',
      'libs/platform/**',
      'libs/testing/**',
      'libs/embedded/**',
    ],
    rules: { 'no-restricted-syntax': ['error', noDefaultExport, pureTime] },
  },
  {
    files: ['libs/**/*.decider.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        noDefaultExport,
        pureTime,
        {
          selector: "ImportDeclaration[importKind!='type']",
          message: 'Deciders import nothing but types.',
        },
      ],
    },
  },
  {
    files: ['**/*.spec.ts', '**/*.contract.ts', 'test/**/*.ts', 'libs/event-store/contract-*.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  { files: ['libs/testing/jest-*.ts'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', module: 'writable' } },
  },
);
