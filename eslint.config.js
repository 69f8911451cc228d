import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['dist/', 'native/build/', 'node_modules/', 'coverage/', 'reports/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true }
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true }
      ],
      // Declarations of packages without types: only so do they come along to who imports the package.
      '@typescript-eslint/triple-slash-reference': ['error', { path: 'always' }],
      eqeqeq: ['error', 'always'],
      'no-console': 'error'
    }
  },
  {
    // Node's test runner returns a promise from every test() that nobody has to await.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off', '@typescript-eslint/require-await': 'off' }
  }
)
