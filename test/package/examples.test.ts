import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const exported = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string; default: string }>
  }
).exports

/** What each program must have said at the end. */
const EXAMPLES: Record<string, RegExp> = {
  'encode-hypercore.js': /^encoded {4}64 chunks, \d+ bytes\nroot {7}[0-9a-f]{64}\n$/m,
  'follow-and-audit.js': /^genesis {8}1\n[^]*^all of it holds\n$/m,
  'serve-veiled-core.js': /^block 2: \d+ bytes stored, read back as "encoded"\n$/m,
  'verify-chunk.js': /holds: block 42\nwith a flipped bit it does not: the proof does not lead to the root\n$/
}

function run(args: string[]): string {
  const { status, stdout, stderr, signal } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: 300_000
  })
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' })
  return stdout
}

test('all examples are known here', () => {
  const programs = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.js'))
  assert.deepEqual(programs.sort(), Object.keys(EXAMPLES))
})

for (const [name, expected] of Object.entries(EXAMPLES)) {
  test(`examples/${name} runs as it stands and ends by itself`, () => {
    assert.match(run([join('examples', name)]), expected)
  })
}

for (const [name, target] of Object.entries(exported)) {
  if (typeof target === 'string') continue
  test(`the example at the top of ${name} runs as it stands`, () => {
    const source = target.default.replace('./dist/', '').replace(/\.js$/, '.ts')
    const text = readFileSync(join(root, source), 'utf8')
    const code = /```js\n([^]*?) \* ```/.exec(text)?.[1]?.replace(/^ \* ?/gm, '')
    assert.ok(code, source)
    assert.notEqual(run(['--input-type=module', '--eval', code]), '')
  })
}
