import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { compare, statistics, table } from '../../bench/harness.js'
import { runProgram } from '../cli/program.js'
import { temporaryFolder } from '../helpers/folder.js'

const bench = (t: TestContext, ...args: string[]) => runProgram(t, ['bench', ...args])

test('--help names every suite and option', async (t) => {
  const { code, stdout } = await bench(t, '--help')
  assert.equal(code, 0)
  const suites = ['chain', 'chunk', 'engine', 'factors', 'merkle', 'seal', 'serve', 'storage', 'transfer']
  const options = ['--rounds', '--quick', '--json', '--html', '--compare', '--against']
  for (const word of [...suites, ...options]) assert.ok(stdout.includes(word), word)
})

test('what cannot be measured is refused with exit code 2 before anything is', async (t) => {
  const dir = temporaryFolder(t)
  const old = join(dir, 'old.json')
  writeFileSync(old, '{"results":[]}')
  for (const [args, why] of [
    [['merkle', 'nothing'], 'OPTION_VALUE'],
    [['--nothing'], 'OPTION_UNKNOWN'],
    [['--rounds', '0'], 'OPTION_VALUE'],
    [['--compare', join(dir, 'missing')], 'OPTION_VALUE'],
    [['--compare', old], 'OPTION_VALUE']
  ] as const) {
    const { code, stdout, stderr } = await bench(t, ...args)
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, new RegExp(`^datdot: .+ \\[${why}\\]\n$`))
  }
})

test('a commit that is not there is refused, and nothing is left of the try', async (t) => {
  const { code, stderr } = await bench(t, 'merkle', '--against', 'no-such-commit')
  assert.equal(code, 2)
  assert.match(stderr, /no-such-commit: there is no such commit .+\[OPTION_VALUE\]\n$/)
})

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
