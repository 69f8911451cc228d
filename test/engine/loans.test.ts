import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { loans as addon } from '../../src/engine/loans.js'

const loans = addon!

/** A behaviour of the addon, which is not there where no C compiler was. */
function ofAddon(name: string, run: () => Promise<void> | void): void {
  if (addon !== undefined) test(name, run)
}

function thread(loan: number | undefined, bytes: number): Worker {
  return new Worker(new URL('./loan-thread.js', import.meta.url), { workerData: { loan, bytes } })
}

ofAddon('buffers are copied to their places, those that lie wholly in the range only', () => {
  const parts = [Buffer.from('abc'), Buffer.from('defg'), Buffer.from('hi')]
  const loan = loans.lend(parts, [2, 6, 12])
  try {
    const ranges: [number, number, string][] = [
      [0, 16, '..abc.defg..hi..'],
      [3, 16, '......defg..hi..'],
      [2, 9, '..abc...........'],
      [2, 10, '..abc.defg......'],
      [6, 6, '................'],
      [15, 16, '................']
    ]
    for (const [from, to, expected] of ranges) {
      const target = Buffer.alloc(16, '.')
      loans.borrow(loan, target, from, to)
      assert.equal(target.toString(), expected, `from ${from} to ${to}`)
    }
  } finally {
    loans.release(loan)
  }
})

ofAddon('what is lent may be shared memory, or a part of a buffer', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8)).fill(7)
  const loan = loans.lend([shared.subarray(2, 5), Buffer.from('xyz').subarray(1)], [0, 3])
  const target = new Uint8Array(5)
  loans.borrow(loan, target, 0, 5)
  loans.release(loan)
  assert.deepEqual([...target], [7, 7, 7, ...Buffer.from('yz')])
})

ofAddon('a loan that has ended, or never was, is refused', () => {
  const loan = loans.lend([Buffer.from('a')], [0])
  loans.release(loan)
  const target = new Uint8Array(1)
  for (const number of [loan, loan + 1, 0, -1, NaN, Infinity, 0.5]) {
    assert.throws(() => loans.borrow(number, target, 0, 1), TypeError)
    assert.throws(() => loans.release(number), TypeError)
  }
})

ofAddon('arguments that are not what they should be are refused, and nothing stays lent', () => {
  const before = loans.count()
  const gone = new Uint8Array(4)
  structuredClone(gone, { transfer: [gone.buffer] })
  const one = Buffer.from('a')
  const lend = loans.lend as (...values: unknown[]) => number
  for (const values of [
    [],
    [[one]],
    [one, [0]],
    [[one], [0, 1]],
    [[one, one], [0]],
    [[one], [-1]],
    [[one], [0.5]],
    [[one], [2 ** 53]],
    [[one], ['0']],
    [
      [one, one],
      [1, 0]
    ],
    [
      [one, one],
      [0, 0]
    ],
    [[Buffer.alloc(0)], [0]],
    [[gone], [0]],
    [[new Uint16Array(1)], [0]],
    [['a'], [0]],
    [[undefined], [0]]
  ]) {
    assert.throws(() => lend(...values), TypeError)
  }
  const loan = loans.lend([one], [0])
  const borrow = loans.borrow as (...values: unknown[]) => void
  const target = new Uint8Array(4)
  for (const values of [
    [],
    [loan, target, 0],
    [loan, target, 0, 5],
    [loan, target, 3, 2],
    [loan, target, -1, 2],
    [loan, target, 0, NaN],
    [loan, gone, 0, 4],
    [loan, [], 0, 0],
    ['1', target, 0, 4]
  ]) {
    assert.throws(() => borrow(...values), TypeError)
  }
  loans.release(loan)
  assert.equal(loans.count(), before)
})

ofAddon('a loan that ends while another thread copies is refused to it from then on', async () => {
  const bytes = 1024 * 1024
  for (let round = 1; round <= 8; round++) {
    const loan = loans.lend([Buffer.alloc(bytes, round)], [0])
    const other = thread(loan, bytes)
    await once(other, 'message')
    loans.release(loan)
    const [{ times, last, error }] = (await once(other, 'message')) as [
      { times: number; last: Uint8Array; error: string }
    ]
    assert.ok(times > 0)
    assert.equal(error, 'there is no such loan')
    assert.ok(Buffer.from(last).equals(Buffer.alloc(bytes, round)))
    await other.terminate()
  }
})

ofAddon('a thread that ends takes its loans along, and cannot end those of others', async () => {
  const before = loans.count()
  const other = thread(undefined, 4096)
  const exit = once(other, 'exit')
  const [loan] = (await once(other, 'message')) as [number]
  assert.throws(() => loans.release(loan), TypeError)
  await exit
  assert.equal(loans.count(), before)
  assert.throws(() => loans.borrow(loan, new Uint8Array(4096), 0, 4096), TypeError)
})

test('without the addon the engine copies chunks itself', () => {
  const env: NodeJS.ProcessEnv = { ...process.env, DATDOT_NATIVE: 'off' }
  delete env.NODE_TEST_CONTEXT
  const files = ['faults', 'streams'].map((name) =>
    fileURLToPath(new URL(`./${name}.test.js`, import.meta.url))
  )
  const run = spawnSync(process.execPath, ['--test', ...files], { env, encoding: 'utf8' })
  assert.equal(run.status, 0, run.stdout)
})
