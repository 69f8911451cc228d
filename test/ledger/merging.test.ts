import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { auditFile } from '../../src/audit/file.js'
import { COPY_SEGMENTS_MAX } from '../../src/ledger/rules/merging.js'
import type { Statement } from '../../src/protocol/operations.js'
import { defaultParameters, type Parameters } from '../../src/protocol/parameters.js'
import type { CopyView } from '../../src/protocol/views.js'
import { original, smallNetwork, type TestNetwork } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

function networkOf(t: TestContext, changes: Partial<Parameters> = {}): TestNetwork {
  const network = smallNetwork(changes)
  closeAfter(t, () => network.close())
  return network
}

function extend(length: number): Statement {
  return { kind: 'extend', body: original('log', length, length * 1_000) }
}

const rangesOf = ({ segments }: CopyView): number[][] => segments.map(({ start, end }) => [start, end])

/** Everybody does what is asked of them until something is so. */
function until(network: TestNetwork, is: () => boolean, work = (): void => network.work()): void {
  for (let ticks = 0; !is(); ticks++) {
    assert.ok(ticks < 400, 'it does not come about')
    network.tick()
    work()
  }
}

test('what came in pieces becomes one segment by any signer of the copy, proven as it was until then, and the next growth waits for what that cost', async (t) => {
  const network = networkOf(t, { growthBytes: 1 })
  const key = network.sponsor('log', { copies: 1 })
  const copy = (): CopyView => network.ledger.copy(0)!
  until(network, () => copy().segments[0]?.reserved === 0n)
  for (const length of [110, 120]) {
    network.grow('log', length)
    until(network, () => copy().length === length)
  }
  assert.deepEqual(rangesOf(copy()), [
    [0, 100],
    [100, 110],
    [110, 120]
  ])
  const { grownClock } = network.ledger.hypercore(key)!
  until(network, () => copy().segments.length === 2)
  assert.deepEqual(rangesOf(copy()), [
    [0, 100],
    [100, 120]
  ])
  assert.equal(copy().bytes, 120 * 1_140)
  assert.equal(copy().segments.at(-1)!.segment, 3)
  assert.ok(network.ledger.hypercore(key)!.grownClock > grownClock)
  network.grow('log', 130)
  until(network, () => copy().length === 130 && copy().segments.length === 3)
  network.grow('log', 190)
  until(network, () => copy().length === 190 && copy().segments.length === 1)
  assert.deepEqual(rangesOf(copy()), [[0, 190]])
  assert.equal((await auditFile(network.path)).failure, null)
})

test('a merge begins only if the balance pays for it, and for what is due in a grace beyond, and is begun once it does', (t) => {
  // Ten grains a byte, so that what is due hardly matters.
  const network = networkOf(t, { growthBytes: 1, segmentRewardPerGiB: 10n << 30n })
  const key = network.sponsor('log', { copies: 1 }, 4_200_000n)
  const copy = (): CopyView => network.ledger.copy(0)!
  until(network, () => copy().segments[0]?.reserved === 0n)
  network.grow('log', 160)
  until(network, () => copy().segments[1]?.reserved === 0n)
  for (let n = 0; n < 40; n++) {
    network.tick()
    network.work()
  }
  assert.equal(copy().task, null)
  assert.equal(copy().segments.length, 2)
  network.send(network.supporter, { kind: 'donate', body: { key, amount: 3_000_000n } })
  until(network, () => copy().segments.length === 1)
  assert.equal(network.ledger.hypercore(key)!.state, 'active')
})

/** A tick is half a day. */
const HALF_DAY_MS = 43_200_000

test('a log that grows for a year has 40 segments at most at any time, and costs no more than as much that is there from the beginning', (t) => {
  const p: Parameters = {
    ...defaultParameters,
    tickMs: 3_600_000,
    // As much as in an hour each, in all.
    epochMs: 4 * HALF_DAY_MS,
    storageRewardPerGiBEpoch: 48n * defaultParameters.storageRewardPerGiBEpoch,
    retrievalRewardPerGiBEpoch: 48n * defaultParameters.retrievalRewardPerGiBEpoch,
    checkReward: 48n * defaultParameters.checkReward,
    challengeFee: 48n * defaultParameters.challengeFee,
    acknowledgeMs: 2 * HALF_DAY_MS,
    deliverBaseMs: 2 * HALF_DAY_MS,
    agingRounds: 1,
    reportRounds: 3,
    revealRounds: 2
  }
  const year = (
    blocks: number,
    perTick: number
  ): { spent: bigint; most: number; grown: number; length: number } => {
    const network = networkOf(t, p)
    const key = network.sponsor('log', { copies: 1 }, 900_000_000n, blocks)
    const { balance } = network.ledger.hypercore(key)!
    let [length, most, grown] = [blocks, 0, 0]
    for (let tick = 0; tick < 730; tick++) {
      network.at += HALF_DAY_MS
      network.ledger.tick(500)
      network.work()
      // A verdict may have had more asked of its pinner: half a day later, at the next tick, that was missed.
      network.work()
      length += perTick
      if (perTick > 0 && network.code(network.supporter, extend(length)) === 'ok') grown++
      most = Math.max(most, network.ledger.copy(0)!.segments.length)
    }
    const view = network.ledger.hypercore(key)!
    assert.equal(view.state, 'active')
    // Encoding goes on beside it: what is not in segments has come in the last days.
    assert.ok(view.length - network.ledger.copy(0)!.length <= 30 * perTick)
    return { spent: balance - view.balance, most, grown, length: view.length }
  }
  const log = year(100, 240)
  const whole = year(log.length, 0)
  t.diagnostic(
    `${log.grown} growths, ${log.most} segments at most: ${log.spent} grains, ${whole.spent} for as much from the beginning`
  )
  assert.ok(log.grown > 100)
  assert.ok(log.most <= COPY_SEGMENTS_MAX)
  assert.ok(log.spent <= whole.spent)
})
