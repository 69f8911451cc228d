import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Linter } from 'eslint'

const config = (await import(pathToFileURL(resolve('eslint.config.js')).href)) as {
  clockRules: Linter.RulesRecord
}

function faults(code: string): string[] {
  const found = new Linter().verify(code, [{ rules: config.clockRules }])
  return found.map(({ message }) => message)
}

for (const code of [
  'setTimeout(f, 1)',
  'setInterval(f, 1)',
  'setImmediate(f)',
  'globalThis.setTimeout(f, 1)',
  'Date.now()',
  'const { now } = Date',
  'new Date()',
  'Date()',
  'performance.now()',
  'globalThis.performance.now()',
  'process.hrtime.bigint()',
  'Math.random()',
  "import { setTimeout } from 'node:timers/promises'",
  "import { setTimeout as pause } from 'timers/promises'",
  "import { setInterval } from 'node:timers'",
  "import { performance } from 'node:perf_hooks'"
]) {
  test(`the linter refuses ${code}`, () => {
    assert.match(faults(code).join('\n'), /is passed in/)
  })
}

for (const code of ['clock.now()', 'new Date(0)', 'clock.after(1, f)', "import { pause } from './wait.js'"]) {
  test(`the linter takes ${code}`, () => assert.deepEqual(faults(code), []))
}
