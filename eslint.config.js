import tseslint from 'typescript-eslint'

const TIME = 'Time is passed in: take a Clock (src/clock.ts), and wait with src/wait.ts.'
const CHANCE = 'Randomness is passed in: take a function that makes it.'

/** Nothing reads the time or waits for it but through the clock that it was given: tests and simulations run on another. */
export const clockRules = {
  'no-restricted-globals': [
    'error',
    ...['setTimeout', 'setInterval', 'setImmediate', 'performance'].map((name) => ({ name, message: TIME }))
  ],
  'no-restricted-properties': [
    'error',
    {
      object: 'AbortSignal',
      property: 'any',
      message: 'Signals that live long keep what was made of them: use joinSignals (src/wait.ts).'
    },
    { object: 'Date', property: 'now', message: TIME },
    { object: 'process', property: 'hrtime', message: TIME },
    { object: 'process', property: 'uptime', message: TIME },
    { object: 'Math', property: 'random', message: CHANCE },
    ...['setTimeout', 'setInterval', 'setImmediate', 'performance'].map((property) => ({
      object: 'globalThis',
      property,
      message: TIME
    }))
  ],
  'no-restricted-imports': [
    'error',
    {
      paths: ['timers', 'timers/promises', 'perf_hooks'].flatMap((name) =>
        [name, `node:${name}`].map((path) => ({ name: path, message: TIME }))
      )
    }
  ],
  'no-restricted-syntax': [
    'error',
    { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: TIME },
    { selector: "CallExpression[callee.name='Date']", message: TIME }
  ]
}

/** Where time is read all the same. */
const clockEdges = [
  // The clock itself, and `turn` beside it: one turn of the event loop, which no clock has.
  'src/clock.ts',
  'src/wait.ts',
  // A stock reader in a process of its own, which imports nothing of datdot on purpose.
  'src/local/consumer.ts',
  // What the event loop was busy with is nowhere else to be had.
  'src/profile/meter.ts'
]

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
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'better-sqlite3',
              allowTypeImports: true,
              message: 'src/sqlite.ts takes the version for this Node.'
            }
          ]
        }
      ],
      eqeqeq: ['error', 'always'],
      'no-console': 'error'
    }
  },
  {
    // Workers measure their own stages: a thread has no clock but its own.
    files: ['src/**/*.ts'],
    ignores: clockEdges,
    rules: clockRules
  },
  {
    // Node's test runner returns a promise from every test() that nobody has to await.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off', '@typescript-eslint/require-await': 'off' }
  }
)
