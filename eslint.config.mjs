import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

const clockOnly = [
  {
    selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    message: 'Ask the Clock: tests move it.',
  },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Ask the Clock: tests move it.' },
];
const minorIsBigint = {
  selector:
    'TSPropertySignature[key.name=/Minor$/] > TSTypeAnnotation > TSNumberKeyword, PropertyDefinition[key.name=/Minor$/] > TSTypeAnnotation > TSNumberKeyword',
  message: 'Amounts in minor units are bigint inside the service.',
};
const noDefaultExport = { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' };

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', 'node_modules/**', '**/*.js', '**/*.cjs', '**/*.mjs'] },
  eslint.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-syntax': ['error', noDefaultExport, ...clockOnly, minorIsBigint],
    },
  },
  // The clock itself.
  {
    files: ['src/shared/clock.ts', 'simulator/clock.ts'],
    rules: { 'no-restricted-syntax': ['error', noDefaultExport] },
  },
  {
    // Tests, the demo, benches and the simulator speak Stripe's JSON, where amounts are numbers; tests and the demo may read the real time.
    files: ['test/**', 'demo/**', 'bench/**', 'simulator/**', '**/*.spec.ts'],
    rules: {
      'no-restricted-syntax': ['error', noDefaultExport],
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
