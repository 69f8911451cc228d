import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compare, statistics, table } from '../../bench/harness.js'

const MAIN = fileURLToPath(new URL('../../bench/main.js', import.meta.url))

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
}

test('--help names every suite and option', () => {
  const { status, stdout } = bench('--help')
  assert.equal(status, 0)
  for (const word of ['chain', 'chunk', 'engine', 'merkle', 'seal', 'storage', '--rounds', '--json']) {
    assert.ok(stdout.includes(word), word)
  }
})

for (const [what, args] of [
  ['an unknown suite', ['merkle', 'nothing']],
  ['an unknown option', ['--nothing']],
  ['a number of rounds that is none', ['--rounds', '0']]
] as const) {
  test(`${what} is refused with exit code 2 before anything is measured`, () => {
    const { status, stdout, stderr } = bench(...args)
    assert.equal(status, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /^bench: .+; see npm run bench -- --help\n$/)
  })
}

test('the statistics of runs are their median, 99th percentile and spread', async () => {
  const even = await statistics([4, 4, 4, 4])
  assert.deepEqual(even, { runs: 4, p50Ms: 4, p99Ms: 4, rmePercent: 0 })
  const uneven = await statistics([9, 1, 2, 3, 5])
  assert.equal(uneven.runs, 5)
  assert.equal(uneven.p50Ms, 3)
  assert.ok(uneven.p99Ms > 8 && uneven.p99Ms <= 9)
  // Mean 4, standard deviation sqrt(10), t of four degrees of freedom 2.776.
  assert.ok(Math.abs(uneven.rmePercent - (2.776 * Math.sqrt(10 / 5) * 100) / 4) < 0.1)
})

test('a comparison has a row with statistics for each contender, measured as often as was asked', async () => {
  const runs = { subject: 0, ceiling: 0 }
  const contenders = (['subject', 'ceiling'] as const).map((role) => ({
    name: role,
    role,
    chunks: 10,
    run: () => void runs[role]++
  }))
  const rows = await compare({ suite: 'none', chunkBytes: 256, threads: 1, contenders }, 7)
  // One run of each to warm up.
  assert.deepEqual(runs, { subject: 8, ceiling: 8 })
  for (const { time } of rows) assert.equal(time?.runs, 7)
  assert.match(table(rows), /p50 ms {2}p99 ms.+± %/)
})
