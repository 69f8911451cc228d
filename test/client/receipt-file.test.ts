import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ReceiptFile, readReceipts } from '../../src/client/receipt-file.js'
import { opened, using } from '../../src/lifecycle.js'
import { createLogger, silentLogger } from '../../src/log.js'
import type { Receipt } from '../../src/protocol/views.js'
import { testChain } from '../chain/chain.js'
import { temporaryFolder } from '../helpers/folder.js'
import { identity } from '../ledger/network.js'
import { closeAfter } from '../helpers/close-after.js'

const to = identity('somebody').publicKey

function receiptOf(seq: number): Receipt {
  const fill = (bytes: number, byte: number): Buffer => Buffer.alloc(bytes, byte)
  return {
    seq,
    at: 1_700_000_000_000 + seq,
    clock: 10 * seq,
    arrived: seq % 2 === 0 ? null : 10 * seq - 3,
    operation: fill(32, 1),
    entry: fill(32, 2),
    signature: fill(64, 3)
  }
}

function fileIn(t: TestContext): string {
  return join(temporaryFolder(t), 'receipts.jsonl')
}

test('receipts are read back as they were, and the newest is the one with the highest number', async (t) => {
  const path = fileIn(t)
  await using(new ReceiptFile({ path, log: silentLogger }), async (file) => {
    assert.equal(file.newest, null)
    await Promise.all([3, 9, 5].map((seq) => file.add(receiptOf(seq))))
  })
  assert.deepEqual(await readReceipts(path), [3, 9, 5].map(receiptOf))
  await using(new ReceiptFile({ path, log: silentLogger }), (file) => {
    assert.deepEqual(file.newest, receiptOf(9))
    return Promise.resolve()
  })
})

test('a line that a crash cut off is forgotten, and what is written next is whole', async (t) => {
  const path = fileIn(t)
  await using(new ReceiptFile({ path, log: silentLogger }), (file) => file.add(receiptOf(1)))
  appendFileSync(path, '{"seq":2,"at":17')
  assert.deepEqual(await readReceipts(path), [receiptOf(1)])
  await using(new ReceiptFile({ path, log: silentLogger }), (file) => file.add(receiptOf(3)))
  assert.deepEqual(await readReceipts(path), [receiptOf(1), receiptOf(3)])
})

test('the file does not grow without end, and keeps the newest', async (t) => {
  const path = fileIn(t)
  const lines = Array.from({ length: 10_000 }, (_, seq) => {
    const { at, clock, arrived, operation, entry, signature } = receiptOf(seq)
    const [o, e, s] = [operation, entry, signature].map((bytes) => Buffer.from(bytes).toString('hex'))
    return JSON.stringify({ seq, at, clock, arrived, operation: o, entry: e, signature: s }) + '\n'
  })
  writeFileSync(path, lines.join(''))
  await using(new ReceiptFile({ path, log: silentLogger }), (file) => file.add(receiptOf(10_000)))
  const kept = (await readReceipts(path)).map(({ seq }) => seq)
  assert.deepEqual([kept.length, kept[0], kept.at(-1)], [5_000, 5_001, 10_000])
})

test('a file of something else is refused with its line, and one that is not there with why', async (t) => {
  const path = fileIn(t)
  await assert.rejects(readReceipts(path), { code: 'RECEIPTS_INVALID' })
  await using(new ReceiptFile({ path, log: silentLogger }), (file) => file.add(receiptOf(1)))
  const good = readFileSync(path, 'utf8')
  for (const bad of [
    '',
    'null',
    '{}',
    '[1]',
    good.trim().replace('"seq":1', '"seq":-1'),
    good.trim().replace(/0303"/, '03"')
  ]) {
    writeFileSync(path, good + bad + '\n')
    await assert.rejects(readReceipts(path), { code: 'RECEIPTS_INVALID', message: /line 2/ })
  }
})

test('a disk that takes no receipt costs no operation', async (t) => {
  const chain = await testChain(t)
  const lines: string[] = []
  const log = createLogger(
    (line) => lines.push(line),
    () => 0
  )
  // Its folder is not there: nothing can be written.
  const broken = await opened(new ReceiptFile({ path: join(temporaryFolder(t), 'none', 'receipts'), log }))
  closeAfter(t, () => broken.close())
  await chain.client('supporter', { receipts: broken }).transfer(to, 1n)
  assert.equal(lines.length, 1)
  assert.match(lines[0]!, /receipts\.write-failed/)
})

test('a client that begins again still holds the chain to what it saw', async (t) => {
  const chain = await testChain(t)
  const path = fileIn(t)
  const first = await opened(new ReceiptFile({ path, log: silentLogger }))
  const { seq, entry } = await chain.client('supporter', { receipts: first }).transfer(to, 1n)
  await first.close()
  const again = await opened(new ReceiptFile({ path, log: silentLogger }))
  closeAfter(t, () => again.close())
  await chain.client('supporter', { receipts: again }).transfer(to, 1n)
  assert.deepEqual(chain.network.ledger.entry(seq + 1)!.operation.anchor, {
    seq,
    hash: new Uint8Array(entry)
  })
  chain.network.ledger.state.db.run('UPDATE anchors SET hash = zeroblob(32) WHERE seq = ?', seq + 1)
  const third = await opened(new ReceiptFile({ path, log: silentLogger }))
  closeAfter(t, () => third.close())
  await assert.rejects(chain.client('supporter', { receipts: third }).transfer(to, 1n), {
    code: 'ANCHOR_UNKNOWN'
  })
})
