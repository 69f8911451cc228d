import { blake3, hash } from '#crypto/hash.js'
import { keyPairFromSeed } from '#crypto/keys.js'
import { MAX_AMOUNT, decode, encode, type Type } from '../../src/protocol/codec.js'
import { effectsType } from '../../src/protocol/effects.js'
import { decodeEntry, encodeEntry } from '../../src/protocol/entry.js'
import { encodeSignedRecord, decodeSignedRecord } from '../../src/protocol/hand-over.js'
import {
  answerOf,
  decodeOperation,
  kinds,
  outcomeNames,
  roleNames,
  signOperation,
  verifySignatures,
  type Body,
  type Kind,
  type Statement
} from '../../src/protocol/operations.js'
import { BLOCKS_MAX, BYTES_MAX } from '../../src/bounds.js'
import { sumsOf, type Original } from '../../src/protocol/original.js'
import { rootIndices } from '../../src/protocol/original-tree.js'
import { parameters } from '../../src/protocol/parameters.js'
import { methods } from '../../src/protocol/rpc/messages.js'
import { segmentHash, signSegment, type SegmentRecord } from '../../src/protocol/segment.js'
import { decodeRefusalEvidence } from '../../src/evidence/refusal-format.js'
import { decodeSliceEvidence } from '../../src/evidence/slice-evidence.js'
import { decodeNode } from '../../src/merkle/node.js'
import { decodeBatchProof, decodeProof } from '../../src/merkle/proof.js'
import { Urn } from '../../src/ledger/rules/lots.js'
import { Numbers, from, outcome, shown } from './room.js'

// The same in Node and in a page: what random operations look like on the wire, and with what code hostile bytes are refused.

const CHAIN = new Uint8Array(32).fill(3)
const SENDER = new Uint8Array(32).fill(4)

/** Random operations of all kinds in turn, signed: their bytes. */
export function operationsOf(seed: number, count: number): Uint8Array[] {
  const numbers = new Numbers(seed)
  const keyPair = keyPairFromSeed(SENDER)
  return Array.from({ length: count }, (_, i) => {
    const { detail, ...statement } = said(kinds[i % kinds.length]!, numbers)
    const nonce = numbers.whole()
    const anchor = { seq: numbers.whole(), hash: key(numbers) }
    return signOperation(statement as Statement, {
      chainId: CHAIN,
      keyPair,
      nonce,
      anchor,
      ...(detail && { detail })
    })
  })
}

type Said = { kind: Kind; body: unknown; detail?: Uint8Array }

function said(kind: Kind, numbers: Numbers): Said {
  const body = bodies[kind](numbers)
  // Those with a detail come with it.
  return kind === 'answer' ? { ...(body as Said), kind } : { kind, body }
}

const key = (n: Numbers): Uint8Array => n.bytes(32)
const maybe = (n: Numbers): Uint8Array | null => (n.below(2) === 0 ? null : n.bytes(32))
const original = (n: Numbers): Original => {
  const length = n.whole(BLOCKS_MAX)
  const most = n.below(4) === 0 ? n.below(41) : rootIndices(length).length
  return {
    fork: n.whole(),
    length,
    roots: Array.from({ length: most }, () => ({ size: n.whole(BYTES_MAX / 64), hash: key(n) })),
    manifest: n.bytes(n.below(300)),
    signature: n.bytes(64)
  }
}
const record = (n: Numbers): SegmentRecord => ({
  key: key(n),
  fork: n.whole(),
  copy: n.whole(),
  segment: n.whole(),
  pinner: key(n),
  signer: key(n),
  codec: n.of(['wrap', 'seal'] as const),
  version: n.below(256),
  start: n.whole(BLOCKS_MAX),
  end: n.whole(BLOCKS_MAX),
  publicKey: n.bytes(n.of([32, 256])),
  primeProof: n.bytes(n.of([0, 32])),
  salt: key(n),
  chunks: n.whole(BLOCKS_MAX),
  bytes: n.whole(),
  root: key(n),
  treeHash: key(n)
})
const rates = (n: Numbers) =>
  parameters({ depositSigma: 1 + n.below(9), donationBurnPpm: n.below(1_000_000) })
const bodies: { [K in Kind]: (n: Numbers) => Body<K> | { body: Body<K>; detail: Uint8Array } } = {
  genesis: (n) => ({
    name: n.of(['', 'a chain', 'Kette – 鎖 🔗']),
    at: n.whole(),
    rulesVersion: n.below(65_536),
    parameters: rates(n),
    beacon: { kind: 'onion', commitment: key(n), length: n.whole() },
    allocations: n.list(5, () => ({ key: key(n), amount: n.amount() }))
  }),
  tick: (n) => ({
    at: n.whole(),
    stalledMs: n.whole(),
    round: n.whole(),
    value: maybe(n),
    nextOnion: maybe(n),
    work: n.whole(1_000_000)
  }),
  parameters: (n) => ({ parameters: rates(n) }),
  settle: (n) => ({
    items: n.list(4, () => ({ challenge: n.whole(), outcome: n.of(outcomeNames) }))
  }),
  settleOpenings: (n) => ({
    items: n.list(4, () => ({
      challenge: n.whole(),
      outcome: n.of(['success', 'lie', 'failure'] as const),
      evidence: maybe(n)
    }))
  }),
  setTime: (n) => ({ at: n.whole() }),
  judge: (n) => ({ draw: n.whole(), upheld: n.below(2) }),
  register: (n) => ({
    role: n.of(roleNames),
    capacityBytes: n.whole(),
    deposit: n.amount(),
    payout: maybe(n)
  }),
  setPayout: (n) => ({ key: key(n), role: n.of(roleNames), payout: key(n) }),
  replaceKey: (n) => ({ key: key(n), by: key(n) }),
  retire: (n) => ({ role: n.of(roleNames) }),
  pause: (n) => ({ epoch: n.whole(), epochs: n.whole(1_000_000) }),
  sponsor: (n) => ({
    key: key(n),
    original: original(n),
    plan: {
      copies: n.below(1_001),
      targetPpm: n.below(1_000_000),
      codec: n.of(['wrap', 'seal'] as const),
      every: n.below(1_025),
      steps: n.below(4_097),
      maxBytes: n.whole(),
      topic: key(n),
      refreshAfterMs: n.whole()
    },
    donation: n.amount()
  }),
  extend: (n) => ({ key: key(n), original: original(n) }),
  fork: (n) => {
    const { roots } = original(n)
    const proof = { kept: n.below(2 ** 40), prefix: roots, below: [key(n), key(n)], before: roots, after: [] }
    return { key: key(n), original: original(n), proof }
  },
  conflict: (n) => ({ key: key(n), one: original(n), other: original(n) }),
  donate: (n) => ({ key: key(n), amount: n.amount() }),
  transfer: (n) => ({ to: key(n), amount: n.of([n.amount(), MAX_AMOUNT]) }),
  acknowledge: (n) => ({ draw: n.whole() }),
  deliver: (n) => {
    const made = record(n)
    const signer = keyPairFromSeed(key(n))
    const signed = { ...made, signer: signer.publicKey }
    return { draw: n.whole(), record: signed, signature: signSegment(CHAIN, signer, signed) }
  },
  accept: (n) => ({
    draw: n.whole(),
    record: record(n),
    signerSignature: n.bytes(64),
    signature: n.bytes(64)
  }),
  refuse: (n) => ({
    draw: n.whole(),
    reason: n.of(['unreachable', 'mismatch', 'busy', 'other'] as const),
    evidence: maybe(n)
  }),
  answer: (n) =>
    answerOf(
      n.list(5, () => ({ challenge: n.whole(), state: key(n), evidence: key(n) })),
      n.list(5, () => n.whole())
    ),
  commitFactor: (n) => ({ commitment: key(n) }),
  claimFactor: (n) => ({ segment: key(n), factor: n.bytes(256), salt: key(n) }),
  claimRoot: (n) => ({ segment: key(n), round: n.whole(), root: n.bytes(256) }),
  commitReport: (n) => ({ epoch: n.whole(), commitment: key(n) }),
  revealReport: (n) => ({
    epoch: n.whole(),
    salt: key(n),
    reports: n.list(4, () => ({
      copy: n.whole(),
      firstByteUs: n.whole(),
      bytesPerSecond: n.whole(),
      misses: n.whole(),
      blocks: n.whole(),
      bytes: n.whole()
    }))
  })
}

/** What is made of a seed: operations, the entries that hold them, segments and draws, all as text. */
export function made(seed: number, count: number): string[] {
  const wires = operationsOf(seed, count)
  const numbers = new Numbers(seed + 1)
  const entries = wires.map((operation, seq) => {
    const effectsHash = blake3(operation)
    return encodeEntry({
      seq,
      at: numbers.whole(),
      clock: numbers.whole(),
      arrived: numbers.of([null, numbers.whole()]),
      rules: 1,
      operation,
      effectsHash,
      hash: hash('test', operation)
    })
  })
  const segments = wires.map(() => {
    const of = record(numbers)
    return [segmentHash(CHAIN, of), encodeSignedRecord({ record: of, signature: numbers.bytes(64) })]
  })
  const drawn = wires.map((wire) => {
    const urn = new Urn()
    for (const [i, weight] of numbers.list(20, () => numbers.below(1_000)).entries()) urn.set(i, weight)
    return [...urn.draw(hash('test/draw', wire))]
  })
  const read = wires.map((wire) => decodeOperation(wire))
  const sums = wires.map(() => outcome(() => sumsOf(original(numbers))))
  return [...wires, verifySignatures(CHAIN, wires), ...entries, ...segments, ...drawn, ...read, ...sums].map(
    shown
  )
}

/** What each of many hostile inputs is answered with by whatever reads such bytes: a code, or what was read. */
export function refusals(seed: number, count: number, samples: string[]): string[] {
  const numbers = new Numbers(seed)
  const good = [...operationsOf(seed, 36), ...samples.map(from)]
  return Array.from({ length: count }, (_, i) => {
    const bytes = hostile(good[i % good.length]!, numbers)
    return readers.map((read) => outcome(() => read(bytes))).join('\n')
  })
}

/** Bytes that are cut, lengthened, changed, spliced or noise. */
function hostile(good: Uint8Array, numbers: Numbers): Uint8Array {
  const at = numbers.below(good.byteLength)
  const way = numbers.below(6)
  if (way === 0) return good.slice(0, at)
  if (way === 1) return numbers.bytes(numbers.below(400))
  if (way === 2) return Uint8Array.from([...good, ...numbers.bytes(1 + numbers.below(4))])
  const changed = good.slice()
  // The first bytes say what the others are, so they are changed more often.
  const place = way === 3 ? Math.min(at, numbers.below(80)) : at
  const longest = [0xfd, 0xfe, 0xff]
  changed.set(
    way === 4
      ? [numbers.of(longest)]
      : numbers.bytes(Math.min(1 + numbers.below(4), good.byteLength - place)),
    place
  )
  return changed
}

const segments = [
  { id: CHAIN, start: 5, chunks: 40, bytes: 50_000, root: SENDER, treeHash: SENDER, salt: SENDER }
].map((segment) => ({ ...segment, codec: 'wrap' as const, publicKey: SENDER }))
const challenge = { seed: CHAIN, steps: 8, segments }

/** All that reads what strangers send. */
const readers: ((bytes: Uint8Array) => unknown)[] = [
  (bytes) => decodeOperation(bytes),
  (bytes) => decodeOperation(bytes, true),
  (bytes) => verifySignatures(CHAIN, [bytes]),
  decodeEntry,
  decodeSignedRecord,
  (bytes) => encode(effectsType, decode(effectsType, bytes)),
  decodeRefusalEvidence,
  (bytes) => decodeSliceEvidence(bytes, challenge),
  (bytes) => decodeNode(bytes),
  (bytes) => decodeProof(bytes, 3, 40).length,
  (bytes) => decodeBatchProof(bytes, [1, 7, 30], 40).length,
  ...Object.values(methods).flatMap(({ request, response }) =>
    [request, response].map((type) => (bytes: Uint8Array) => decode(type as Type<unknown>, bytes))
  )
]
