import assert from 'node:assert/strict'
import { test } from 'node:test'
import { merged } from '../../bench/against.js'
import { compareResults, compareText, noiseOf } from '../../bench/compare.js'
import { benchHtml } from '../../bench/page.js'
import { BENCH_VERSION, type BenchResult, type Row } from '../../bench/harness.js'

function row(name: string, rate: number, more: Partial<Row> = {}): Row {
  return {
    suite: 'engine',
    name,
    chunkBytes: 65536,
    threads: 2,
    mbPerSecond: rate,
    chunksPerSecond: rate,
    role: 'subject',
    samples: [100, 101, 99, 100, 100],
    ...more
  }
}

function resultOf(results: Row[], cpu = 'a CPU'): BenchResult {
  return {
    version: BENCH_VERSION,
    machine: { cpu, cores: 2, memoryBytes: 1, platform: 'linux x64', node: 'v20' },
    rounds: 5,
    quick: false,
    results,
    notes: {},
    absent: ['<peer> is not installed']
  }
}

const verdicts = (before: Row[], after: Row[], cpu?: string) =>
  Object.fromEntries(
    compareResults(resultOf(before), resultOf(after, cpu)).changes.map(({ name, verdict }) => [
      name.split(/[:,] ?/)[1]!,
      verdict
    ])
  )

test('a change counts if it is larger than the noise of both runs', () => {
  const wild = { samples: [100, 140, 70, 120, 90] }
  assert.deepEqual(
    verdicts(
      [row('steady', 1000), row('faster', 1000), row('small', 1000), row('wild', 1000, wild)],
      [row('steady', 880), row('faster', 1200), row('small', 970), row('wild', 880, wild)]
    ),
    { steady: 'slower', faster: 'faster', small: 'same', wild: 'same' }
  )
})

test('CPU time is compared where it was measured, and what only stands beside is not', () => {
  const cpu = (ms: number): Partial<Row> => ({ cpuMsPerMB: ms, cpuSamples: [ms, ms, ms], readers: 3 })
  const { changes, onlyBefore, onlyAfter } = compareResults(
    resultOf([row('serve', 1000, cpu(10)), row('loop', 1000, { role: 'ceiling' }), row('gone', 1)]),
    resultOf([row('serve', 500, cpu(10)), row('loop', 100, { role: 'ceiling' }), row('new', 1)])
  )
  assert.deepEqual(
    changes.map(({ of, verdict, factor }) => ({ of, verdict, factor })),
    [{ of: 'CPU', verdict: 'same', factor: 1 }]
  )
  assert.match(onlyBefore.join(), /gone/)
  assert.match(onlyAfter.join(), /new/)
})

test('between machines only ratios are compared', () => {
  const before = [row('ratio', 1000, { ratio: 0.9 }), row('none', 1000)]
  const after = [row('ratio', 100, { ratio: 0.9 }), row('none', 100)]
  assert.deepEqual(verdicts(before, after, 'another CPU'), { ratio: 'same' })
  const { changes } = compareResults(resultOf(before), resultOf([row('ratio', 1, { ratio: 0.6 })], 'another'))
  assert.deepEqual([changes[0]!.of, changes[0]!.verdict], ['ratio', 'slower'])
})

test('noise is the standard error of the median, and much where there is one run', () => {
  assert.equal(noiseOf([5, 5, 5, 5, 5]), 0)
  assert.equal(noiseOf([5]), 0.15)
  // Three runs: half their range, since the middle one may lie close to another by chance.
  assert.ok(Math.abs(noiseOf([9, 10, 12]) - (1.2533 * 1.5) / Math.sqrt(3) / 10) < 1e-12)
})

test('results of several turns become one, whose samples are the turns', () => {
  const turns = [1000, 800, 900].map((rate) => resultOf([row('encode', rate)]))
  const [one] = merged(turns).results
  assert.equal(one!.chunksPerSecond, 900)
  assert.deepEqual(one!.samples, [1000, 800, 900])
})

test('text and page tell every change, and the page loads nothing', () => {
  const [before, after] = [resultOf([row('encode', 1000)]), resultOf([row('encode', 500)])]
  const comparing = compareResults(before, after)
  assert.match(compareText(comparing), /^! slower +100\.0 % ± .+ engine: encode/m)
  const html = benchHtml(after, comparing)
  for (const part of ['slower', 'encode', '&lt;peer&gt; is not installed'])
    assert.ok(html.includes(part), part)
  assert.doesNotMatch(html, /<script|https?:|url\(/)
})
