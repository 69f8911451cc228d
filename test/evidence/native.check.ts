import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compile, selfTest } from '../helpers/compiler.js'
import { temporaryFolder } from '../helpers/folder.js'
import { SHORT } from '../helpers/form.js'

const cwd = fileURLToPath(new URL('../../../native/', import.meta.url))
const listed = (what: string): string[] =>
  spawnSync(process.execPath, ['sources.mjs', what], { cwd, encoding: 'utf8' }).stdout.split('\n')

/** Around the ends of BLAKE3's blocks and chunks, of groups and of slices, and the longest body that there is. */
const LENGTHS = [0, 1, 64, 1_023, 1_024, 1_025, 2_049, 16_384, 16_385, 33_000, 65_792, 262_145, 15_790_336]
/** Around the ends of all chunks of the first groups. */
const MORE = Array.from({ length: 64 }, (_, i) => [
  1_024 * (i + 2) - 1,
  1_024 * (i + 2),
  1_024 * (i + 2) + 1
]).flat()
const lengths = [...LENGTHS, ...(SHORT ? [] : MORE)]

// Sanitizers do not see into assembly: once as it is used, once with nothing but C.
const portable = listed('sources').filter((name) => /(blake3|dispatch|portable)\.c$/.test(name))
const without = ['SSE2', 'SSE41', 'AVX2', 'AVX512'].map((name) => `-DBLAKE3_NO_${name}`)
const builds: [string, string[]][] = [
  ['as it is used', listed('sources')],
  ['without assembly', [...without, '-DBLAKE3_USE_NEON=0', ...portable]]
]

for (const [how, sources] of builds) {
  test(`the C core of slices, ${how}, touches no byte that is not its own`, (t) => {
    const program = join(temporaryFolder(t), 'selftest')
    const flags = ['-std=c11', '-Wall', '-Wextra', '-O1', '-o', program, '-I', listed('folder')[0]!]
    compile([...flags, 'blake3/selftest.c', 'blake3/slices.c', ...sources], { cwd })
    assert.equal(selfTest(program, lengths.map(String)), `${lengths.length} lengths\n`)
  })
}
