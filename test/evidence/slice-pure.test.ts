import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const source = new URL('../../src/evidence/', import.meta.url)
const entries = [
  'slices.js',
  'slice-batch.js',
  'slice-walk.js',
  'slice-evidence.js',
  'verify-slices.js',
  'pure-slice-tools.js'
]

/** The compiled files that the entries load. */
function graph(): Map<string, string> {
  const files = new Map<string, string>()
  const visit = (url: URL): void => {
    if (files.has(url.href)) return
    const code = readFileSync(url, 'utf8')
    files.set(url.href, code)
    for (const [, specifier] of code.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)) {
      assert.match(specifier!, /^\.\.?\//, `${url.href} imports ${specifier}`)
      visit(new URL(specifier!, url))
    }
  }
  for (const entry of entries) visit(new URL(entry, source))
  return files
}

test('slices, their walk and the check of its evidence load nothing of Node and no package', () => {
  const files = graph()
  assert.ok(files.size > entries.length)
  for (const [file, code] of files) {
    const words = code.replace(/\/\*[\s\S]*?\*\/|\/\/.*$|'[^'\n]*'|"[^"\n]*"/gm, '')
    assert.doesNotMatch(words, /\b(Buffer|process|require|global|__dirname)\b/, file)
  }
})

test('without the globals of Node an evidence is checked as with them', () => {
  // A process of its own, since taking Buffer away would take it from the test runner too.
  const path = fileURLToPath(new URL('../../../test/vectors/slices.json', import.meta.url))
  const { walk } = JSON.parse(readFileSync(path, 'utf8')) as {
    walk: { walks: { k: number; states: string[]; evidence: string; evidenceHash: string }[] }
  }
  const script = `
    const { walk } = ${JSON.stringify({ walk })}
    const print = console.log
    for (const name of ['Buffer', 'process', 'global', 'setImmediate']) delete globalThis[name]
    const { pureSliceTools } = await import('${new URL('pure-slice-tools.js', source).href}')
    const { verifySliceEvidence } = await import('${new URL('verify-slices.js', source).href}')
    const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16))
    const segments = walk.segments.map(({ codec, id, start, chunks, bytes, root }) => {
      return { codec, id: hex(id), start, chunks: chunks.length, bytes, root: hex(root) }
    })
    const found = walk.walks.map(({ k, states, evidence }) => {
      const challenge = { seed: hex(walk.seed), steps: k, segments }
      const verdict = verifySliceEvidence(hex(evidence), challenge, hex(states.at(-1)), pureSliceTools)
      return [verdict.ok, [...verdict.hash].map((byte) => byte.toString(16).padStart(2, '0')).join('')]
    })
    print(JSON.stringify(found))
  `
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  assert.deepEqual(
    JSON.parse(run.stdout),
    walk.walks.map(({ evidenceHash }) => [true, evidenceHash])
  )
})
