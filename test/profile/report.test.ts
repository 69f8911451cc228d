import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Use } from '../../src/profile/meter.js'
import type { EndUse } from '../../src/profile/port.js'
import { capacityOf, overLink, reportOf, type Measured } from '../../src/profile/report.js'
import { profileHtml } from '../../src/profile/html.js'
import { profileText } from '../../src/profile/text.js'

/** A process that moved 100 MB in a second with so much CPU, in ms. */
function use(main: number, workers: number, other: number): EndUse {
  return {
    wallMs: 1000,
    bytes: 100e6,
    cpuMs: main + workers + other,
    threads: { main, workers, other },
    loop: 0.5,
    rssBytes: 1e8,
    samples: [{ atMs: 500, bytes: 50e6, cpuMs: { main, workers, other }, loop: 0.5 }],
    stages: [
      { stage: 'decode', cpuMs: workers, thread: 'workers' },
      { stage: 'send <all>', cpuMs: main, thread: 'main' }
    ],
    waits: [{ what: 'the link', ms: 250 }]
  }
}

const moved = <A extends Use, B extends Use>(from: A, to: B) => ({ mbPerSecond: 100, from, to })

const measured: Measured = {
  machine: { cpu: 'a CPU', cores: 2, memoryBytes: 1e9, platform: 'linux x64', node: 'v20' },
  cores: 2,
  threads: 2,
  chunkBytes: 65536,
  input: 'random bytes',
  link: 'loopback',
  raw: moved(use(200, 0, 0), use(200, 0, 0)),
  replication: moved(use(1000, 0, 500), use(1500, 0, 500)),
  codecs: [
    {
      codec: 'wrap',
      chunks: 1526,
      bytes: 100e6,
      setupMs: 0,
      handOver: moved(use(500, 100, 100), use(500, 200, 300)),
      serve: moved(use(1000, 0, 0), use(1500, 0, 0))
    },
    {
      codec: 'seal',
      chunks: 1526,
      bytes: 100e6,
      setupMs: 400,
      handOver: moved(use(500, 9400, 100), use(500, 900, 300)),
      serve: moved(use(1000, 1000, 0), use(1500, 0, 0))
    }
  ]
}

test('an end is bound by its main thread or by all cores, whichever gives out first', () => {
  // 5 ms a MB of the main thread alone; 10 ms a MB of two cores.
  assert.deepEqual(capacityOf('serve wrap', 'sender', use(500, 100, 100), 2), {
    way: 'serve wrap',
    side: 'sender',
    mbPerSecond: 200,
    bound: 'main thread',
    breakEvenMbit: 1600
  })
  const { mbPerSecond, bound } = capacityOf('serve wrap', 'sender', use(500, 9400, 100), 2)
  assert.deepEqual({ mbPerSecond, bound }, { mbPerSecond: 20, bound: 'cores' })
})

test('what a codec costs beside the network is the workers’ CPU over that of a raw stream’s end', () => {
  const [wrap, seal] = reportOf(measured).costs
  assert.equal(wrap!.encodeMsPerMB, 1)
  assert.equal(wrap!.networkMsPerMB, 2)
  assert.equal(wrap!.encryptionToNetwork, 0.5)
  assert.equal(seal!.encryptionToNetwork, 47)
  assert.equal(seal!.openMsPerMB, 10)
  assert.equal(seal!.breakEvenMbit, 160)
})

test('over a link the slowest of link, ends and window decides', () => {
  const { capacities } = reportOf(measured)
  const over = (mbit: number, delayMs: number) => overLink('hand over seal', { mbit, delayMs }, capacities)
  assert.deepEqual(over(10, 1), {
    way: 'hand over seal',
    mbit: 10,
    delayMs: 1,
    mbPerSecond: 1.25,
    limit: 'link',
    side: null,
    computed: true
  })
  assert.deepEqual(
    [over(1000, 1).mbPerSecond, over(1000, 1).limit, over(1000, 1).side],
    [20, 'cores', 'sender']
  )
  const far = overLink('hand over wrap', { mbit: 10_000, delayMs: 40 }, capacities)
  assert.equal(far.limit, 'window')
  assert.ok(Math.abs(far.mbPerSecond - 8.388608 / 0.08) < 1e-9)
})

test('the answer says which codec is free, which is not and what to choose', () => {
  const { answer } = reportOf(measured)
  assert.match(answer, /^On this machine \(2 cores\) wrap is free: .+ up to 1\.6 Gbit\/s/)
  assert.match(answer, /seal makes the signer's cores the limit on links above 160 Mbit\/s/)
  assert.match(answer, /choose seal, .+ faster than 160 Mbit\/s\.$/)
})

test('text and page show every stage, wait and link, and the page loads nothing', () => {
  const report = reportOf(measured)
  const text = profileText(report)
  for (const word of ['send <all>', 'the link 25 %', 'computed', report.answer])
    assert.ok(text.includes(word), word)
  const page = profileHtml(report)
  assert.ok(page.includes('send &lt;all&gt;') && !page.includes('send <all>'))
  assert.doesNotMatch(page, /<script|<link rel="stylesheet"|https?:|@import|url\(/)
})
