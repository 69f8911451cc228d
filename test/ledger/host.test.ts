import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { LedgerHost, asynchronous } from '../../src/ledger/host.js'
import { opened } from '../../src/lifecycle.js'
import { parameters } from '../../src/protocol/parameters.js'
import { temporaryFolder } from '../helpers/folder.js'
import { wallClock } from '../helpers/wall-clock.js'
import { TestNetwork, identity } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

function networkOf(t: TestContext): TestNetwork {
  const network = new TestNetwork()
  closeAfter(t, () => network.close())
  return network
}

test('calls take effect in the order in which they are made, whether their answers are waited for or not', async (t) => {
  const network = networkOf(t)
  const ledger = asynchronous(network.ledger)
  const to = identity('somebody').publicKey
  const transfer = network.wire(network.supporter, { kind: 'transfer', body: { to, amount: 5n } })
  network.at += 100
  const told: string[] = []
  const [before, submitted, after, ticked, last] = await Promise.all([
    ledger.account(to).finally(() => told.push('before')),
    ledger.submit([transfer]).finally(() => told.push('submitted')),
    ledger.account(to).finally(() => told.push('after')),
    ledger.tick().finally(() => told.push('ticked')),
    ledger.length().finally(() => told.push('last'))
  ])
  assert.deepEqual([before.balance, after.balance, last], [0n, 5n, 3])
  assert.deepEqual(
    submitted.map((result) => result.ok && result.receipt.seq),
    [1]
  )
  assert.deepEqual([ticked.receipt.seq, ticked.chain.length, ticked.chain.round], [2, 3, 1])
  assert.deepEqual(told, ['before', 'submitted', 'after', 'ticked', 'last'])
})

test('what the ledger refuses is a rejection, and changes nothing', async (t) => {
  const network = networkOf(t)
  const ledger = asynchronous(network.ledger)
  await assert.rejects(ledger.judge(99, true), { code: 'REFUSAL_UNKNOWN' })
  assert.equal(await ledger.length(), 1)
})

test('events are entries with their effects, as many as fit, and never none', async (t) => {
  const network = networkOf(t)
  network.tick(5)
  const { ledger } = network
  const all = ledger.events(0, 100, Infinity)
  assert.deepEqual(
    all.map(({ entry }) => entry),
    ledger.entries(0, 100)
  )
  assert.ok(all.every(({ effects }) => effects !== null))
  assert.equal(ledger.events(2, 100, 0).length, 1)
  const two = all.slice(2, 4).reduce((sum, { entry, effects }) => sum + entry.length + effects!.length, 0)
  assert.deepEqual(ledger.events(2, 100, two), all.slice(2, 4))
  assert.deepEqual(ledger.events(2, 100, two - 1), all.slice(2, 3))
  assert.deepEqual(ledger.events(6, 100, two), [])
})

test('a host makes a ledger, opens it again, and refuses calls once it is closed', async (t) => {
  const path = join(temporaryFolder(t), 'ledger.db')
  const network = networkOf(t)
  const { beacon, chain: keyPair } = network
  const clock = wallClock(() => network.at)
  const onion = { commitment: beacon.commitment(), length: beacon.length }
  const genesis = { name: 'test', parameters: parameters(), beacon: onion, allocations: [] }
  const options = { path, keyPair, beacon, clock }
  const first = await opened(new LedgerHost({ ...options, genesis }))
  const { head } = await first.api.chain()
  await first.close()
  await assert.rejects(first.api.length(), { code: 'CLOSED' })
  const again = await opened(new LedgerHost(options))
  assert.deepEqual((await again.api.chain()).head, head)
  await again.close()
})

test('a host of a file that is no ledger does not open, and leaves it alone', async (t) => {
  const path = join(temporaryFolder(t), 'ledger.db')
  writeFileSync(path, 'something else, and long enough to be read as a header of a database'.repeat(20))
  const host = new LedgerHost({ path, clock: wallClock(() => 0) })
  await assert.rejects(host.ready(), { code: 'LEDGER_NOT_A_LEDGER' })
  await host.close()
})
