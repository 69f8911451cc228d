import test from 'node:test'
import assert from 'node:assert/strict'
import type { Plan, Statement } from '../../../src/protocol/operations.js'
import { emptyOriginal, type Original } from '../../../src/protocol/original.js'
import { TestNetwork, original, prologue } from '../network.js'
import type { Parameters } from '../../../src/protocol/parameters.js'
import { accepted, lapsed, refused } from './refused.js'
import { closeAfter } from '../../helpers/close-after.js'

const plan: Plan = {
  copies: 2,
  targetPpm: 0,
  codec: 'wrap',
  every: 1,
  steps: 8,
  maxBytes: 200_000,
  topic: Buffer.alloc(32, 9),
  refreshAfterMs: 0
}

function sponsor(changes: Partial<Plan> = {}, claim = original('film', 100, 100_000)): Statement {
  return { kind: 'sponsor', body: { ...claim, plan: { ...plan, ...changes }, donation: 1_000_000n } }
}

/** The film at another length, by its author. */
function extend(length: number, byteLength: number, changes: Partial<Original> = {}): Statement {
  const claim = original('film', length, byteLength)
  return { kind: 'extend', body: { key: claim.key, original: { ...claim.original, ...changes } } }
}

function network(t: { after(close: () => void): void }, changes: Partial<Parameters> = {}): TestNetwork {
  const made = new TestNetwork(changes)
  closeAfter(t, () => made.close())
  return made
}

const badPlans: [string, Partial<Plan>, Partial<Plan>][] = [
  ['challenges at another distance than a power of two', { every: 3 }, { every: 4 }],
  ['no challenges', { every: 0 }, { every: 1 }],
  ['no steps', { steps: 0 }, { steps: 1 }],
  ['more steps than the rules allow', { steps: 513 }, { steps: 512 }],
  ['more copies than the rules allow', { copies: 101 }, { copies: 100 }],
  ['neither copies nor a target', { copies: 0 }, { copies: 0, targetPpm: 900_000 }],
  ['copies and a target', { targetPpm: 900_000 }, {}],
  ['room for less than there is', { maxBytes: 99_999 }, { maxBytes: 100_000 }],
  ['room for more than the rules allow', { maxBytes: 2 ** 44 + 1 }, { maxBytes: 2 ** 44 }],
  ['sealing anew before evidence is old', { refreshAfterMs: 4_999 }, { refreshAfterMs: 5_000 }],
  ['sealing anew after the lock ends', { refreshAfterMs: 60_001 }, { refreshAfterMs: 60_000 }]
]

for (const [what, bad, good] of badPlans) {
  test(`a plan with ${what} is refused, the nearest one that is allowed is not`, (t) => {
    const chain = network(t)
    refused(chain, chain.supporter, sponsor(bad), 'PLAN_INVALID')
    accepted(chain, chain.supporter, sponsor(good))
  })
}

test('blocks may be empty, and count against the bytes that a plan pays for all the same', (t) => {
  const chain = network(t)
  refused(chain, chain.supporter, sponsor({ maxBytes: 99 }, original('film', 100, 0)), 'PLAN_INVALID')
  accepted(chain, chain.supporter, sponsor({ maxBytes: 100 }, original('film', 100, 0)))
  refused(chain, chain.supporter, extend(101, 100), 'PLAN_EXCEEDED')
})

test('a hypercore without blocks is registered and waits: its copies are asked for with the first length that its author signs', (t) => {
  const chain = network(t, { growthMs: 60_000 })
  const { key } = original('film', 1, 1)
  refused(chain, chain.supporter, sponsor({}, original('film', 0, 0)), 'ORIGINAL_INVALID')
  refused(
    chain,
    chain.supporter,
    sponsor({}, { key, original: { ...emptyOriginal, fork: 1 } }),
    'ORIGINAL_INVALID'
  )
  accepted(chain, chain.supporter, sponsor({}, { key, original: emptyOriginal }))
  chain.tick(3)
  const waiting = chain.ledger.hypercore(key)!
  assert.deepEqual([waiting.state, waiting.length, waiting.copies.length], ['active', 0, 0])
  refused(
    chain,
    chain.supporter,
    { kind: 'extend', body: { key, original: emptyOriginal } },
    'LENGTH_NOT_LONGER'
  )
  // At once: there is nothing that it could be gathered with.
  accepted(chain, chain.supporter, extend(3, 3_000))
  const grown = chain.ledger.hypercore(key)!
  assert.equal(grown.length, 3)
  assert.equal(grown.copies.length, grown.wanted)
  refused(chain, chain.supporter, extend(4, 3_500), 'GROWTH_EARLY')
})

test('what the author did not sign is not sponsored', (t) => {
  const chain = network(t)
  const film = original('film', 100, 100_000)
  const other = original('other', 100, 100_000)
  const wrong: Partial<Original>[] = [
    { roots: other.original.roots },
    { roots: film.original.roots.slice(1) },
    { roots: film.original.roots.map(({ size, hash }) => ({ size: size + 1, hash })) },
    { length: 101 },
    { length: 98, roots: film.original.roots },
    { fork: 1 },
    { signature: other.original.signature }
  ]
  for (const change of wrong) {
    const claim = { key: film.key, original: { ...film.original, ...change } }
    refused(chain, chain.supporter, sponsor({}, claim), 'ORIGINAL_INVALID')
  }
  refused(
    chain,
    chain.supporter,
    sponsor({}, { key: other.key, original: film.original }),
    'ORIGINAL_INVALID'
  )
})

test('a hypercore is sponsored once, by who can pay the donation', (t) => {
  const chain = network(t)
  const { kind, body } = sponsor() as Statement & { kind: 'sponsor' }
  const { balance } = chain.ledger.account(chain.supporter.publicKey)
  refused(chain, chain.supporter, { kind, body: { ...body, donation: balance + 1n } }, 'BALANCE_TOO_LOW')
  refused(chain, chain.supporter, { kind, body: { ...body, donation: 0n } }, 'AMOUNT_ZERO')
  accepted(chain, chain.supporter, { kind, body: { ...body, donation: balance } })
  refused(chain, chain.supporter, { kind, body: { ...body, donation: 0n } }, 'HYPERCORE_KNOWN')
})

test('a hypercore that lapsed is not sponsored again at a shorter length', (t) => {
  const { network: chain } = lapsed(t)
  refused(chain, chain.supporter, sponsor({}, original('film', 99, 99_000)), 'ORIGINAL_INVALID')
  accepted(chain, chain.supporter, sponsor())
})

test('a hypercore grows by what its author signed, up to what its plan pays for', (t) => {
  const chain = network(t)
  refused(chain, chain.supporter, extend(101, 101_000), 'HYPERCORE_UNKNOWN')
  accepted(chain, chain.supporter, sponsor())
  refused(chain, chain.supporter, extend(101, 101_000, { fork: 1 }), 'FORK_CHANGED')
  refused(chain, chain.supporter, extend(100, 101_000), 'LENGTH_NOT_LONGER')
  refused(chain, chain.supporter, extend(101, 99_999), 'LENGTH_NOT_LONGER')
  refused(chain, chain.supporter, extend(101, 200_001), 'PLAN_EXCEEDED')
  refused(
    chain,
    chain.supporter,
    extend(101, 200_000, { roots: original('other', 101, 200_000).original.roots }),
    'ORIGINAL_INVALID'
  )
  accepted(chain, chain.supporter, extend(101, 200_000))
  assert.equal(chain.ledger.hypercore(original('film', 1, 1).key)?.length, 101)
})

test('how long a hypercore is in bytes is what its author signed, not what somebody claims', (t) => {
  const chain = network(t)
  accepted(chain, chain.supporter, sponsor())
  const { original: grown } = original('film', 101, 101_000)
  const roots = grown.roots.map((root, place) => (place > 0 ? root : { ...root, size: 150_000 }))
  refused(chain, chain.supporter, extend(101, 101_000, { roots }), 'ORIGINAL_INVALID')
  accepted(chain, chain.supporter, extend(101, 101_000))
  assert.equal(chain.ledger.hypercore(original('film', 1, 1).key)?.byteLength, 101_000)
})

test('a hypercore that nobody signs is sponsored by its key, which fixes its blocks, and never grows', (t) => {
  const chain = network(t)
  const fixed = prologue('fixed', 100, 100_000)
  const claim = (changes: Partial<Original>) =>
    sponsor({}, { ...fixed, original: { ...fixed.original, ...changes } })
  refused(
    chain,
    chain.supporter,
    claim({ roots: original('film', 100, 100_000).original.roots }),
    'ORIGINAL_INVALID'
  )
  refused(chain, chain.supporter, claim({ signature: Buffer.alloc(64) }), 'ORIGINAL_INVALID')
  const shorter = prologue('fixed', 99, 99_000).original.roots
  refused(chain, chain.supporter, claim({ length: 99, roots: shorter }), 'ORIGINAL_INVALID')
  accepted(chain, chain.supporter, claim({}))
  const longer = prologue('fixed', 101, 101_000).original.roots
  const extended: Statement = {
    kind: 'extend',
    body: { key: fixed.key, original: { ...fixed.original, length: 101, roots: longer } }
  }
  refused(chain, chain.supporter, extended, 'ORIGINAL_INVALID')
})
