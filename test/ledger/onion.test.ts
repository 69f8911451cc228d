import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { auditFile } from '../../src/audit/file.js'
import { decodeEntry } from '../../src/protocol/entry.js'
import { decodeOperation, type Body } from '../../src/protocol/operations.js'
import { opensLayer } from '../../src/ledger/rules/beacon.js'
import { smallNetwork, type TestNetwork } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

/** Bodies of all ticks of a log. */
function ticksOf({ ledger }: TestNetwork): Body<'tick'>[] {
  return [...ledger.entries(0, 100_000)].flatMap((bytes) => {
    const operation = decodeOperation(decodeEntry(bytes).operation, true)
    return operation.kind === 'tick' ? [operation.body] : []
  })
}

/** A network that has shown all layers of its first onion but the last. */
function atLastLayer(t: TestContext): TestNetwork {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  while (network.ledger.chain().round < network.beacon.length - 1) network.tick()
  return network
}

test('the tick that shows the last layer commits to the next onion, and draws and challenges go on with it', async (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  const { ledger, beacon } = network
  const { length } = beacon
  network.sponsor('film')
  const work = (until: number): void => {
    while (ledger.chain().round < until) {
      network.tick()
      network.work()
    }
  }
  work(length - 1)
  work(length)
  const passed = ledger.summary().storage.success
  // Wanted when the last layer is shown, frozen and drawn with the first ones of the next onion.
  const late = network.sponsor('late')
  network.tick(2)
  assert.deepEqual(
    ledger.hypercore(late)!.copies.map(({ task }) => [task!.state, task!.round]),
    [
      ['asked', length + 2],
      ['asked', length + 2]
    ]
  )
  work(2 * length + 5)
  assert.deepEqual(
    ledger.hypercore(late)!.copies.map(({ state, length: chunks }) => [state, chunks]),
    [
      ['active', 100],
      ['active', 100]
    ]
  )
  assert.ok(ledger.summary().storage.success > passed)

  const ticks = ticksOf(network)
  const committing = ticks.filter(({ nextOnion }) => nextOnion)
  assert.deepEqual(
    committing.map(({ round }) => round),
    [length, 2 * length]
  )
  for (const { round, nextOnion } of committing) {
    const following = ticks.find((tick) => tick.round === round + 1 && tick.value)
    assert.ok(following && opensLayer(nextOnion!, following.value!))
    assert.ok(!opensLayer(beacon.value(round), following.value!), 'it is another onion')
  }
  const report = await auditFile(network.path)
  assert.equal(report.failure, null)
  assert.deepEqual(report.stateHash, ledger.stateHash())
})

test('an onion that was not committed to is refused, and nothing changes', (t) => {
  const network = atLastLayer(t)
  const { ledger, beacon } = network
  network.tick()
  const { round, length } = ledger.chain()
  assert.equal(round, beacon.length)
  const honest = beacon.value.bind(beacon)
  for (const lie of [Buffer.alloc(32, 1), honest(round), honest(round + 2)]) {
    beacon.value = () => lie
    assert.throws(() => network.tick(), { code: 'BEACON_FORGED' })
  }
  assert.deepEqual([ledger.chain().round, ledger.chain().length], [round, length])
  beacon.value = honest
  network.tick()
  assert.equal(ledger.chain().round, round + 4, 'those of the ticks that were refused have begun as well')
})
