import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Statement } from '../../src/protocol/operations.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import type { HypercoreView } from '../../src/protocol/views.js'
import { closeAfter } from '../helpers/close-after.js'
import { identity, smallNetwork, type TestNetwork } from './network.js'
import { claimOfBlocks, forkOf, leaves, proofOf, sponsorBlocks, type Leaf } from './rewritten.js'

const FILM = leaves('film', 100)

function networkOf(t: TestContext, changes: Partial<Parameters> = {}): TestNetwork {
  const network = smallNetwork({ segmentRewardBase: 1n, ...changes })
  closeAfter(t, () => network.close())
  return network
}

function pass(network: TestNetwork, until: () => boolean, most = 400): void {
  let holds = until()
  for (let n = 0; n < most && !holds; n++) {
    network.tick()
    network.work()
    holds = until()
  }
  assert.ok(holds)
}

const viewOf = (network: TestNetwork, key: Buffer): HypercoreView => network.ledger.hypercore(key)!

/** A film of 100 blocks with a copy that somebody holds, and time for a growth. */
function held(network: TestNetwork, blocks = FILM, copies = 1): Buffer {
  const key = sponsorBlocks(network, 'film', blocks, { copies })
  const isHeld = (): boolean =>
    viewOf(network, key).copies.every(({ length, state }) => state === 'active' && length === blocks.length)
  pass(network, isHeld)
  return key
}

/** Sends it as soon as it may be sent. */
function inTime(network: TestNetwork, statement: Statement): void {
  let code = ''
  pass(network, () => (code = network.code(network.supporter, statement)) !== 'GROWTH_EARLY')
  assert.equal(code, 'ok')
}

function segmentsOf(network: TestNetwork, key: Buffer): [number, number, number][] {
  return viewOf(network, key).copies[0]!.segments.map(({ start, end, fork }) => [start, end, fork])
}

const rewritten = (kept: number, count: number): Leaf[] => [...FILM.slice(0, kept), ...leaves('anew', count)]

test('a copy is of one fork at any time: the old one until the new one is accepted, from the last signed length on that it keeps', (t) => {
  const network = networkOf(t)
  const key = held(network)
  const longer = [...FILM, ...leaves('more', 50)]
  inTime(network, { kind: 'extend', body: claimOfBlocks('film', longer) })
  pass(network, () => viewOf(network, key).copies[0]!.length === 150)
  const before = segmentsOf(network, key)
  assert.deepEqual(before, [
    [0, 100, 0],
    [100, 150, 0]
  ])
  const next = [...longer.slice(0, 140), ...leaves('anew', 3)]
  inTime(network, forkOf('film', longer, next))
  const { fork, length, copies } = viewOf(network, key)
  assert.deepEqual([fork, length, copies[0]!.length], [1, 143, 150])
  assert.deepEqual([copies[0]!.task!.start, copies[0]!.task!.end, copies[0]!.task!.renewal], [100, 143, true])
  assert.deepEqual(segmentsOf(network, key), before)
  const { bytes } = copies[0]!
  pass(network, () => viewOf(network, key).copies[0]!.length === 143)
  assert.deepEqual(segmentsOf(network, key), [
    [0, 100, 0],
    [100, 143, 1]
  ])
  assert.equal(viewOf(network, key).copies[0]!.bytes, bytes - 7 * 1_140)
  // It grows on from there, by its own fork alone.
  const on = [...next, ...leaves('on', 7)]
  assert.equal(
    network.code(network.supporter, { kind: 'extend', body: claimOfBlocks('film', on) }),
    'FORK_CHANGED'
  )
  inTime(network, { kind: 'extend', body: claimOfBlocks('film', on, 1) })
  pass(network, () => viewOf(network, key).copies[0]!.length === 150)
  assert.deepEqual(segmentsOf(network, key).at(-1), [143, 150, 1])
})

test('what is on its way for the old fork ends at nobody’s cost, also of a copy that has nothing yet', (t) => {
  const network = networkOf(t)
  const key = sponsorBlocks(network, 'film', FILM, { copies: 1 })
  const drawn = (): boolean => viewOf(network, key).copies[0]!.task?.state === 'delivering'
  for (let n = 0; n < 100 && !drawn(); n++) {
    network.tick()
    network.acknowledge()
  }
  const { task } = viewOf(network, key).copies[0]!
  const draw = task!.draw!
  const holder = network.keyPair(task!.pinner!)
  const deposit = network.ledger.account(holder.publicKey).roles[0]!
  assert.equal(network.code(network.supporter, forkOf('film', FILM, rewritten(90, 5))), 'ok')
  assert.equal(
    network.code(holder, { kind: 'refuse', body: { draw, reason: 'other', evidence: null } }),
    'DRAW_NOT_OPEN'
  )
  const after = network.ledger.account(holder.publicKey).roles[0]!
  assert.deepEqual([after.deposit, after.usedBytes, after.locked], [deposit.deposit, 0, 0n])
  pass(network, () => viewOf(network, key).copies[0]!.length === 95)
  assert.deepEqual(segmentsOf(network, key), [[0, 95, 1]])
})

test('a second fork before copies have followed the first keeps what both leave', (t) => {
  const network = networkOf(t)
  const key = held(network)
  const longer = [...FILM, ...leaves('more', 50)]
  inTime(network, { kind: 'extend', body: claimOfBlocks('film', longer) })
  pass(network, () => viewOf(network, key).copies[0]!.length === 150)
  const first = [...longer.slice(0, 95), ...leaves('anew', 5)]
  inTime(network, forkOf('film', longer, first))
  const second = [...first, ...leaves('on', 60)]
  // Without a signer nobody has followed yet.
  let code = ''
  for (let n = 0; n < 400 && code !== 'ok'; n++) {
    network.tick()
    code = network.code(network.supporter, forkOf('film', first, second, { fork: 2 }))
  }
  assert.equal(viewOf(network, key).copies[0]!.task!.start, 0)
  pass(network, () => viewOf(network, key).copies[0]!.length === 160)
  assert.deepEqual(segmentsOf(network, key), [[0, 160, 2]])
})

test('taking away where a segment ends has that segment encoded anew: something must be under the new signature', (t) => {
  const network = networkOf(t)
  const key = held(network)
  const longer = [...FILM, ...leaves('more', 50)]
  inTime(network, { kind: 'extend', body: claimOfBlocks('film', longer) })
  pass(network, () => viewOf(network, key).copies[0]!.length === 150)
  inTime(network, forkOf('film', longer, FILM))
  pass(network, () => viewOf(network, key).copies[0]!.length === 100)
  assert.deepEqual(segmentsOf(network, key), [[0, 100, 1]])
})

test('a fork waits until what is due has paid for all that it costs, and for a balance that pays it', (t) => {
  const network = networkOf(t, { growthMs: 1_000, growthBytes: 1, segmentRewardBase: 100_000n })
  const key = held(network)
  const statement = forkOf('film', FILM, rewritten(90, 5))
  assert.equal(network.code(network.supporter, statement), 'GROWTH_EARLY')
  // However much came: what has grown by as much would be taken at once.
  const grown = { kind: 'extend' as const, body: claimOfBlocks('film', [...FILM, ...leaves('more', 1)]) }
  assert.equal(network.code(network.supporter, grown), 'ok')
  const { balance } = viewOf(network, key)
  assert.ok(balance > 0n)
  const poor = networkOf(t, { growthMs: 0, graceEpochs: 10_000 })
  const poorKey = sponsorBlocks(poor, 'film', FILM, { donation: 1_000_000n })
  pass(poor, () => viewOf(poor, poorKey).copies[0]!.length === 100)
  let code = ''
  pass(poor, () => (code = poor.code(poor.supporter, statement)) !== 'GROWTH_EARLY')
  assert.equal(code, 'GROWTH_UNPAID')
})

test('a stolen key does not erase copies: what takes more than half away is seen, waits, and nothing happens until then', (t) => {
  const network = networkOf(t, { evidenceWindowMs: 60_000 })
  const key = held(network)
  const empty = forkOf('film', FILM, [], { fork: 1 })
  assert.equal(network.code(network.supporter, empty), 'ORIGINAL_INVALID')
  const statement = forkOf('film', FILM, rewritten(49, 1))
  inTime(network, statement)
  const seenAt = network.clock
  const before = viewOf(network, key)
  assert.deepEqual([before.fork, before.length], [0, 100])
  assert.deepEqual(before.waits, { fork: 1, until: seenAt + 60_000 })
  assert.equal(network.code(network.supporter, statement), 'FORK_EARLY')
  // Nor does another one with a lower number, or saying nothing; a newer one waits as long again.
  const newer = forkOf('film', FILM, rewritten(10, 1), { fork: 3 })
  assert.equal(network.code(network.supporter, newer), 'ok')
  assert.equal(network.code(network.supporter, statement), 'FORK_OLD')
  const { until } = viewOf(network, key).waits!
  while (network.clock < until) {
    assert.equal(network.code(network.supporter, newer), 'FORK_EARLY')
    network.at += 1_000
    network.tick(3)
    network.work()
  }
  assert.deepEqual(segmentsOf(network, key), [[0, 100, 0]])
  inTime(network, newer)
  pass(network, () => viewOf(network, key).copies[0]!.length === 11)
  assert.deepEqual([viewOf(network, key).waits, segmentsOf(network, key)], [null, [[0, 11, 3]]])
})

test('many forks take no more at once than one may, of blocks and of bytes', (t) => {
  const network = networkOf(t, { evidenceWindowMs: 1_000_000 })
  const key = held(network)
  const first = FILM.slice(0, 60)
  inTime(network, forkOf('film', FILM, first))
  pass(network, () => viewOf(network, key).copies[0]!.length === 60)
  inTime(network, forkOf('film', first, FILM.slice(0, 48), { fork: 2 }))
  assert.deepEqual([viewOf(network, key).fork, viewOf(network, key).waits?.fork], [1, 2])
  const heavy = networkOf(t)
  const film = [...leaves('small', 64, 10), ...leaves('large', 2, 100_000)]
  const heavyKey = held(heavy, film)
  inTime(heavy, forkOf('film', film, film.slice(0, 64)))
  assert.equal(viewOf(heavy, heavyKey).waits?.fork, 1)
})

test('how much a fork leaves is shown exactly: not less, not more, of no other trees, in no other sizes', (t) => {
  const network = networkOf(t)
  held(network)
  const after = rewritten(90, 5)
  const good = proofOf(FILM, after)
  const code = (proof: typeof good): string =>
    network.code(network.supporter, forkOf('film', FILM, after, { proof }))
  assert.equal(code(proofOf(FILM, after, 89)), 'FORK_PROOF_HASH')
  assert.equal(code(proofOf(FILM, after, 91)), 'FORK_PROOF_HASH')
  assert.equal(code({ ...good, kept: 101 }), 'FORK_PROOF_SHAPE')
  assert.equal(code({ ...good, below: good.below.slice(1) }), 'FORK_PROOF_SHAPE')
  assert.equal(code({ ...good, before: good.before.slice(1) }), 'FORK_PROOF_SHAPE')
  assert.equal(code({ ...good, kept: 0 }), 'FORK_PROOF_SHAPE')
  // A size moved from a root to what follows it: the hash above the two would not tell.
  const moved = good.prefix.map((node, i) => (i === 3 ? { ...node, size: node.size + 500 } : node))
  const less = [good.before, good.after].map((list) =>
    list.map((node, i) => (i === 0 ? { ...node, size: node.size - 500 } : node))
  )
  assert.equal(code({ ...good, prefix: moved, before: less[0]!, after: less[1]! }), 'FORK_PROOF_HASH')
  const other = leaves('other', 100)
  assert.equal(code(proofOf(other, [...other.slice(0, 90), ...after.slice(90)])), 'FORK_PROOF_HASH')
  inTime(network, forkOf('film', FILM, after, { proof: good }))
  assert.equal(network.code(network.supporter, forkOf('film', FILM, after)), 'FORK_OLD')
})

test('what lapsed is sponsored again at a newer fork, however short, and not at an older one', (t) => {
  const network = networkOf(t, { graceEpochs: 1 })
  const key = sponsorBlocks(network, 'film', FILM, { donation: 30_000n })
  pass(network, () => viewOf(network, key).state === 'lapsed', 1_000)
  const { plan } = viewOf(network, key)
  const again = (blocks: Leaf[], fork: number): string =>
    network.code(network.supporter, {
      kind: 'sponsor',
      body: { ...claimOfBlocks('film', blocks, fork), plan, donation: 30_000n }
    })
  assert.equal(again(FILM.slice(0, 31), 0), 'ORIGINAL_INVALID')
  assert.equal(again(rewritten(30, 1), 2), 'ok')
  assert.deepEqual([viewOf(network, key).fork, viewOf(network, key).length], [2, 31])
  pass(network, () => viewOf(network, key).state === 'lapsed', 1_000)
  assert.equal(again(FILM, 0), 'ORIGINAL_INVALID')
  assert.equal(again(rewritten(90, 1), 1), 'ORIGINAL_INVALID')
})

test('two trees of one fork and length end what the author may add, and nothing of what is held', (t) => {
  const network = networkOf(t)
  const key = held(network)
  const one = claimOfBlocks('film', FILM).original
  const other = claimOfBlocks('film', rewritten(40, 60)).original
  const conflict = (changes: object = {}): Statement => ({
    kind: 'conflict',
    body: { key, one, other, ...changes }
  })
  const refused = (changes: object): string => network.code(network.supporter, conflict(changes))
  assert.equal(refused({ other: one }), 'NO_CONFLICT')
  assert.equal(refused({ other: claimOfBlocks('film', rewritten(40, 61)).original }), 'NO_CONFLICT')
  assert.equal(refused({ other: claimOfBlocks('film', rewritten(40, 60), 1).original }), 'NO_CONFLICT')
  assert.equal(refused({ other: { ...other, signature: one.signature } }), 'ORIGINAL_INVALID')
  assert.equal(refused({ key: claimOfBlocks('other', FILM).key }), 'HYPERCORE_UNKNOWN')
  assert.equal(viewOf(network, key).conflict, null)
  assert.equal(network.code(identity('pinner-1'), conflict()), 'ok')
  assert.equal(viewOf(network, key).conflict, network.clock)
  assert.equal(network.code(network.supporter, conflict()), 'HYPERCORE_CONFLICTED')
  const grown = { kind: 'extend' as const, body: claimOfBlocks('film', [...FILM, ...leaves('more', 1)]) }
  assert.equal(network.code(network.supporter, grown), 'HYPERCORE_CONFLICTED')
  assert.equal(
    network.code(network.supporter, forkOf('film', FILM, rewritten(90, 1))),
    'HYPERCORE_CONFLICTED'
  )
  // It is kept, and repaired, as before.
  const holder = network.keyPair(viewOf(network, key).copies[0]!.pinner!)
  network.send(holder, { kind: 'retire', body: { role: 'pinner' } })
  const { id } = viewOf(network, key).copies[0]!
  pass(network, () => viewOf(network, key).copies.every((copy) => copy.id !== id && copy.length === 100))
})
