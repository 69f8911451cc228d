import { blake3, encodeParts, hash, uniform } from '#crypto/hash.js'
import { keyPairFromSeed } from '#crypto/keys.js'
import type { HashPart } from '../../src/crypto/pure-hashes.js'
import { segmentId } from '../../src/chunk/codec.js'
import { OnionBeacon, opensLayer } from '../../src/ledger/rules/beacon.js'
import {
  backedBytes,
  copiesFor,
  copyLock,
  donationBurn,
  paidFor,
  retrievalReward,
  roundDue,
  segmentReward,
  signerLock,
  splitLock,
  storageReward
} from '../../src/ledger/rules/economics.js'
import {
  afterDelivery,
  afterFailure,
  failedFee,
  NONE_FAILED,
  unservedRounds
} from '../../src/ledger/rules/deliveries.js'
import {
  forkPrice,
  forkReserve,
  forkWaitMs,
  takesHalf,
  wholeBefore,
  type Extent
} from '../../src/ledger/rules/forks.js'
import { missedFor, paidEpochs, returnSteps } from '../../src/ledger/rules/absence.js'
import {
  pausedEpochs,
  pausedMs,
  pauseEpochsLeft,
  pauseRange,
  type Pause
} from '../../src/ledger/rules/pause.js'
import { mergedMs, mergeOf } from '../../src/ledger/rules/merging.js'
import { verifyForkProof } from '../../src/protocol/fork-proof.js'
import {
  CHANCE_ONE,
  isOpened,
  openedChunk,
  openingChance,
  openingSeed
} from '../../src/ledger/rules/openings.js'
import { feeOf } from '../../src/ledger/rules/fees.js'
import { growthPrice, growthReserve, growthWaitMs } from '../../src/ledger/rules/growth.js'
import { lowerMedian } from '../../src/ledger/rules/reputation.js'
import { answerMs } from '../../src/ledger/rules/schedule.js'
import { scoreAfter } from '../../src/ledger/rules/score.js'
import { slotLot, slotOf, slotSeed, slotShare } from '../../src/ledger/rules/slots.js'
import type { RoundBase } from '../../src/ledger/rules/time.js'
import {
  amount,
  bytes,
  change,
  decode,
  encode,
  list,
  optional,
  text,
  uint,
  type Type
} from '../../src/protocol/codec.js'
import { decodeEntry, encodeEntry } from '../../src/protocol/entry.js'
import {
  bodies,
  decodeOperation,
  operationHash,
  signOperation,
  unsignedBytes,
  verifyOperation,
  type Kind,
  type Outcome,
  type Statement
} from '../../src/protocol/operations.js'
import { originalType, sumsOf } from '../../src/protocol/original.js'
import { parameters, type Parameters } from '../../src/protocol/parameters.js'
import { entryHash, signReceipt, verifyReceipt } from '../../src/protocol/receipt.js'
import { decodeChunk } from './ciphers.js'
import { from, shown, type Comparisons } from './room.js'

// Vectors of encodings, hashes and rules; those of trees and evidence are in proof-vectors.ts.

interface Hashing {
  hash: { domain: string; parts: (string | number)[]; encoded: string; hash: string }[]
  uniform: { seed: string; bound: string; value: string }[]
}

export function hashing(it: Comparisons, vectors: Hashing): void {
  // 0x… are bytes, …n is an integer too large for JSON.
  const partOf = (part: string | number): HashPart => {
    if (typeof part === 'number') return part
    if (part.startsWith('0x')) return from(part.slice(2))
    return /^\d+n$/.test(part) ? BigInt(part.slice(0, -1)) : part
  }
  for (const { domain, parts, encoded, hash: expected } of vectors.hash) {
    it.same(encodeParts(domain, parts.map(partOf)), encoded, `bytes of ${shown(parts)}`)
    it.same(hash(domain, ...parts.map(partOf)), expected, `hash of ${shown(parts)}`)
  }
  for (const { seed, bound, value } of vectors.uniform) {
    it.same(uniform(from(seed), BigInt(bound)), value, `${seed} below ${bound}`)
  }
}

type Encoded<T> = { value: T; bytes: string }[]

interface Encodings {
  uint: Encoded<number>
  amount: Encoded<string>
  change: Encoded<string>
  text: Encoded<string>
  bytes: Encoded<string>
  refused: Record<'uint' | 'amount' | 'text' | 'flag' | 'list', string[]>
}

export function encodings(it: Comparisons, vectors: Encodings): void {
  const bothWays = <T>(type: Type<T>, value: T, expected: string): void => {
    it.same(encode(type, value), expected, `bytes of ${shown(value)}`)
    it.same(shown(decode(type, from(expected))), shown(value), `value of ${expected}`)
  }
  for (const { value, bytes: expected } of vectors.uint)
    bothWays(uint(Number.MAX_SAFE_INTEGER), value, expected)
  for (const { value, bytes: expected } of vectors.amount) bothWays(amount, BigInt(value), expected)
  for (const { value, bytes: expected } of vectors.change) bothWays(change, BigInt(value), expected)
  for (const { value, bytes: expected } of vectors.text) bothWays(text(1_000), value, expected)
  for (const { value, bytes: expected } of vectors.bytes) bothWays(bytes(1_000), from(value), expected)
  const types: Record<string, Type<unknown>> = {
    uint: uint(Number.MAX_SAFE_INTEGER),
    amount,
    text: text(1_000),
    flag: optional(uint(Number.MAX_SAFE_INTEGER)),
    list: list(uint(Number.MAX_SAFE_INTEGER), 2 ** 20)
  }
  for (const [name, wrong] of Object.entries(vectors.refused)) {
    for (const wire of wrong) {
      it.refused(() => decode(types[name]!, from(wire)), 'OPERATION_MALFORMED', `${name} ${wire}`)
    }
  }
}

interface Entries {
  chainId: string
  chainSeed: string
  chainKey: string
  entries: ({ seq: number; at: number; clock: number; arrived: number | null; rules: number } & Record<
    'operation' | 'effects' | 'previous' | 'operationHash' | 'hash' | 'wire' | 'receiptSignature',
    string
  >)[]
}

export function entries(it: Comparisons, vectors: Entries): void {
  const chainId = from(vectors.chainId)
  const keyPair = keyPairFromSeed(from(vectors.chainSeed))
  it.same(keyPair.publicKey, vectors.chainKey, 'key of the chain')
  for (const {
    seq,
    at,
    clock,
    arrived,
    rules,
    operation,
    effects,
    previous,
    ...expected
  } of vectors.entries) {
    const signed = operationHash(chainId, from(operation))
    it.same(signed, expected.operationHash, `operation ${seq}`)
    const effectsHash = blake3(from(effects))
    const of = { previous: from(previous), seq, at, clock, arrived, rulesVersion: rules }
    const hash = entryHash({ ...of, operation: signed, effects: effectsHash })
    it.same(hash, expected.hash, `hash of entry ${seq}`)
    const entry = { seq, at, clock, arrived, rules, operation: from(operation), effectsHash, hash }
    it.same(encodeEntry(entry), expected.wire, `bytes of entry ${seq}`)
    it.same(decodeEntry(from(expected.wire)), shown(entry), `entry ${seq} read back`)
    const said = { seq, operation: signed, entry: hash, at, clock, arrived }
    const receipt = signReceipt(chainId, keyPair, said)
    it.same(receipt.signature, expected.receiptSignature, `signature of receipt ${seq}`)
    it.same(verifyReceipt(chainId, keyPair.publicKey, receipt), true, `receipt ${seq}`)
    it.same(
      verifyReceipt(chainId, keyPair.publicKey, { ...receipt, at: at + 1 }),
      false,
      `receipt ${seq} changed`
    )
  }
}

interface Operations {
  chainId: string
  senderSeed: string
  operations: { name: string; wire: string; hash: string }[]
}

export function operations(it: Comparisons, { chainId, senderSeed, operations }: Operations): void {
  const chain = from(chainId)
  const keyPair = keyPairFromSeed(from(senderSeed))
  for (const { name, wire, hash: expected } of operations) {
    const operation = decodeOperation(from(wire))
    it.same(operationHash(chain, unsignedBytes(operation)), expected, `hash of ${name}`)
    it.same(verifyOperation(chain, operation), true, `signatures of ${name}`)
    it.same(verifyOperation(keyPair.publicKey, operation), false, `signatures of ${name} on another chain`)
    const { nonce, anchor, detail } = operation
    const again = signOperation(operation, {
      chainId: chain,
      keyPair,
      nonce,
      anchor,
      ...(detail && { detail })
    })
    it.same(again, wire, `bytes of ${name}`)
  }
}

interface OriginalVector {
  fork: number
  length: number
  roots: { size: number; hash: string }[]
  byteLength: number
  treeHash: string
  wire: string
}

export function originals(it: Comparisons, vectors: OriginalVector[]): void {
  for (const { fork, length, roots, byteLength, treeHash, wire } of vectors) {
    const original = {
      fork,
      length,
      roots: roots.map(({ size, hash }) => ({ size, hash: from(hash) })),
      manifest: Uint8Array.of(1, 2, 3),
      signature: new Uint8Array(0)
    }
    const what = `an original of ${length} blocks`
    const sums = sumsOf(original)
    it.same([sums.byteLength, sums.treeHash], `[${byteLength},"${treeHash}"]`, what)
    it.same(encode(originalType, original), wire, `bytes of ${what}`)
    it.same(decode(originalType, from(wire)), shown(original), `${what} read back`)
    it.refused(
      () => sumsOf({ ...original, length: 2 * length + 1 }),
      'ORIGINAL_INVALID',
      `roots of other than ${what}`
    )
  }
}

export interface Money {
  parameters: Record<string, number>
  donationBurn: { amount: string; burned: string }[]
  storageReward: { bytes: number; epochs: number; reward: string }[]
  retrievalReward: { bytes: number; epochs: number; reward: string }[]
  paidFor: { reward: string; ppm: number; paid: string }[]
  segmentReward: { bytes: number; reward: string }[]
  copyLock: { bytes: number; every: number; lock: string }[]
  drift: { value: number; days: number; after: number }[]
  roundDue: { copies: number[]; every: number; due: string }[]
  growth: {
    bytes: number
    blocks: number
    ageMs: number
    copies: number[]
    every: number
    fee: string
    price: string
    waitMs: number
    reserve: string
  }[]
  fees: { kind: Kind; body: string; fee: string }[]
  signerLock: { bytes: number; lock: string }[]
  splitLock: Record<'lock' | 'price' | 'bounty' | 'compensation' | 'burned', string>[]
  backedBytes: { deposit: string; bytes: string }[]
  copiesFor: { target: number; reputations: number[]; copies: number }[]
  lowerMedian: { values: number[]; median: number }[]
  onion: { secret: string; length: number; commitments: string[]; values: string[] }[]
}

/** What somebody says, from the bytes of its body. */
export function statementOf({ kind, body }: { kind: Kind; body: string }): Statement {
  return { kind, body: decode(bodies[kind] as Type<unknown>, from(body)) } as Statement
}

export function money(it: Comparisons, vectors: Money): void {
  const defaults = parameters()
  const changes = Object.entries(vectors.parameters).map(([name, value]) => [
    name,
    typeof defaults[name as keyof Parameters] === 'bigint' ? BigInt(value) : value
  ])
  const p = parameters(Object.fromEntries(changes) as Partial<Parameters>)
  for (const v of vectors.donationBurn)
    it.same(donationBurn(BigInt(v.amount), p), v.burned, `burned of ${v.amount}`)
  for (const v of vectors.storageReward) it.same(storageReward(v.bytes, v.epochs, p), v.reward, shown(v))
  for (const v of vectors.retrievalReward) it.same(retrievalReward(v.bytes, v.epochs, p), v.reward, shown(v))
  for (const v of vectors.paidFor) it.same(paidFor(BigInt(v.reward), v.ppm), v.paid, shown(v))
  for (const v of vectors.segmentReward) it.same(segmentReward(v.bytes, p), v.reward, shown(v))
  for (const v of vectors.copyLock) it.same(copyLock(v.bytes, v.every, p), v.lock, shown(v))
  for (const v of vectors.roundDue) it.same(roundDue(v.copies, v.every, p), v.due, shown(v))
  for (const { price, waitMs, reserve, fee, ...sizes } of vectors.growth) {
    const growth = { ...sizes, fee: BigInt(fee) }
    it.same(growthPrice(growth, p), price, `price of ${shown(sizes)}`)
    it.same(growthWaitMs(growth, p), waitMs, `wait of ${shown(sizes)}`)
    it.same(growthReserve(growth, p), reserve, `reserve of ${shown(sizes)}`)
  }
  for (const v of vectors.fees) it.same(feeOf(statementOf(v), p), v.fee, shown(v))
  for (const v of vectors.signerLock) it.same(signerLock(v.bytes, p), v.lock, shown(v))
  for (const { lock, price, ...shares } of vectors.splitLock) {
    it.same(splitLock(BigInt(lock), BigInt(price)), shown(shares), `split of ${lock} with ${price}`)
  }
  for (const v of vectors.backedBytes) it.same(String(backedBytes(BigInt(v.deposit), p)), v.bytes, shown(v))
  for (const v of vectors.copiesFor) it.same(copiesFor(v.target, v.reputations, p), v.copies, shown(v))
  for (const v of vectors.lowerMedian) it.same(lowerMedian(v.values), v.median, shown(v))
  for (const { secret, length, commitments, values } of vectors.onion) {
    const beacon = new OnionBeacon(from(secret), length)
    for (const [index, expected] of commitments.entries()) {
      it.same(beacon.commitment(index), expected, `commitment ${index} of ${secret}`)
    }
    for (const [index, expected] of values.entries()) {
      it.same(beacon.value(index + 1), expected, `value ${index + 1} of ${secret}`)
    }
    it.same(opensLayer(from(commitments[0]!), from(values[0]!)), true, `the first layer of ${secret}`)
    it.same(
      opensLayer(from(values[length - 1]!), from(values[length]!)),
      false,
      `the next onion of ${secret}`
    )
  }
}

interface Deliveries {
  parameters: { failedFee: number; failedMs: number; tickMs: number; epochMs: number }
  stories: Record<string, { what: 'end' | 'delivery'; clock: number; fee?: string }[]>
  rests: { times: number; rounds: number }[]
}

export function deliveries(it: Comparisons, vectors: Deliveries): void {
  const p = parameters({ ...vectors.parameters, failedFee: BigInt(vectors.parameters.failedFee) })
  for (const [name, steps] of Object.entries(vectors.stories)) {
    let failed = NONE_FAILED
    for (const { what, clock, fee } of steps) {
      if (what === 'delivery') failed = afterDelivery(failed)
      else {
        it.same(failedFee(failed, clock, p), fee, `${name}, at ${clock}`)
        failed = afterFailure(failed, clock, p)
      }
    }
  }
  for (const { times, rounds } of vectors.rests) it.same(unservedRounds(times, p), rounds, `after ${times}`)
}

interface Merging {
  merges: { segments: [number, number][]; merge: [number, number] | null }[]
  spent: { price: string; copies: number[]; every: number; ms: string }[]
}

export function merging(it: Comparisons, vectors: Merging): void {
  for (const { segments, merge } of vectors.merges) {
    const found = mergeOf(segments.map(([bytes, whole]) => ({ bytes, whole: whole === 1 })))
    it.same(
      JSON.stringify(found && [found.first, found.last]),
      JSON.stringify(merge),
      JSON.stringify(segments)
    )
  }
  for (const { price, copies, every, ms } of vectors.spent) {
    it.same(mergedMs({ price: BigInt(price), copies, every }, parameters({})), ms, `${price} grains`)
  }
}

interface Forks {
  proofs: { before: TreeOf; after: TreeOf; proof: ProofOf; bytes: number }[]
  wholes: { before: number[] | null; now: number[]; clock: number; whole: number[] }[]
  halves: { kept: number[]; of: number[]; takesHalf: boolean }[]
  costs: {
    anew: number[]
    copies: number[]
    every: number
    ageMs: number
    fee: string
    price: string
    waitMs: number
    reserve: string
  }[]
}
interface TreeOf {
  length: number
  treeHash: string
}
interface ProofOf {
  kept: number
  prefix: { size: number; hash: string }[]
  below: string[]
  before: { size: number; hash: string }[]
  after: { size: number; hash: string }[]
}

const extentOf = ([length, bytes]: number[]): Extent => ({ length: length!, bytes: bytes! })

export function forks(it: Comparisons, vectors: Forks): void {
  const p = parameters({})
  const nodes = (list: { size: number; hash: string }[]) =>
    list.map(({ size, hash }) => ({ size, hash: from(hash) }))
  const tree = ({ length, treeHash }: TreeOf) => ({ length, treeHash: from(treeHash) })
  for (const { before, after, proof, bytes } of vectors.proofs) {
    const { kept, prefix, below } = proof
    const made = {
      kept,
      prefix: nodes(prefix),
      below: below.map(from),
      before: nodes(proof.before),
      after: nodes(proof.after)
    }
    it.same(verifyForkProof(made, tree(before), tree(after)), bytes, `${kept} of ${before.length}`)
  }
  for (const { before, now, clock, whole } of vectors.wholes) {
    const known = before && { ...extentOf(before), clock: before[2]! }
    const found = wholeBefore(known, extentOf(now), clock, p)
    it.same([found.length, found.bytes, found.clock].join(), whole.join(), `at ${clock}`)
  }
  for (const { kept, of, takesHalf: takes } of vectors.halves)
    it.same(takesHalf(extentOf(kept), extentOf(of)), takes, kept.join())
  for (const { fee, price, waitMs, reserve, ...sizes } of vectors.costs) {
    const size = { ...sizes, fee: BigInt(fee) }
    it.same(forkPrice(size, p), price, 'price')
    it.same(forkWaitMs(size, p), waitMs, 'wait')
    it.same(forkReserve(size, p), reserve, 'reserve')
  }
}

interface Absences {
  walks: { steps: number; bytes: number; missedMs: number; walk: number }[]
  fates: { missedMs: number; fate: string }[]
  paid: { epoch: number; last: number; back: number; paid: number }[]
}

/** What a pinner that was away owes, and what becomes of its copies and its pay. */
export function absence(it: Comparisons, vectors: Absences): void {
  const p = parameters()
  for (const { walk, ...of } of vectors.walks) it.same(returnSteps(of, p), walk, JSON.stringify(of))
  for (const { missedMs, fate } of vectors.fates) it.same(missedFor(missedMs, p), fate, `${missedMs} ms`)
  for (const { epoch, last, back, paid } of vectors.paid) {
    it.same(paidEpochs(epoch, { last, back }), paid, `epoch ${epoch}`)
  }
}

interface Pauses {
  begins: { clock: number; epochMs: number; first: number; last: number }[]
  left: (Pause & { before: Pause[]; epochMs: number; pauseMs: number; left: number })[]
  within: { pauses: Pause[]; from: number; until: number; epochs: number }[]
  lasted: { pauses: Pause[]; from: number; until: number; epochMs: number; ms: string }[]
}

export function pauses(it: Comparisons, vectors: Pauses): void {
  for (const { clock, epochMs, first, last } of vectors.begins) {
    const range = pauseRange(clock, { epochMs })
    it.same(range.first, first, `${clock} ms`)
    it.same(range.last, last, `${clock} ms`)
  }
  for (const { epoch, epochs, before, left, ...p } of vectors.left) {
    it.same(pauseEpochsLeft({ epoch, epochs }, before, p), left, `epoch ${epoch}`)
  }
  for (const { pauses, from, until, epochs } of vectors.within) {
    it.same(pausedEpochs(pauses, from, until), epochs, `${from} to ${until}`)
  }
  for (const { pauses, ms, epochMs, ...time } of vectors.lasted) {
    it.same(String(pausedMs(pauses, time, { epochMs })), ms, `${time.from} ms`)
  }
}

interface Challenges {
  slots: ({ round: number; every: number; slot: number; roundsLeft: number } & RoundBase &
    Pick<Parameters, 'tickMs' | 'epochMs'>)[]
  draws: {
    chain: string
    every: number
    value: string
    waiting: number
    roundsLeft: number
    seed: string
    share: number
    lots: number[]
  }[]
  scores: { story: string; scores: number[] }[]
  answerMs: { steps: number; ms: number }[]
}

const OUTCOMES: Record<string, Outcome> = {
  s: 'success',
  f: 'failure',
  r: 'refused',
  o: 'offline',
  u: 'unknown',
  l: 'lie'
}

/** When copies are asked, how long their pinner has, and what becomes of their score. */
export function challenges(it: Comparisons, vectors: Challenges): void {
  const p = parameters()
  for (const { round, every, slot, roundsLeft, ...base } of vectors.slots) {
    const own = slotOf(round, every, base, base)
    it.same(own.slot, slot, `slot of round ${round}`)
    it.same(own.roundsLeft, roundsLeft, `rounds left from ${round}`)
  }
  for (const { chain, every, value, waiting, roundsLeft, seed, share, lots } of vectors.draws) {
    const own = slotSeed(from(chain), every, from(value))
    it.same(own, seed, `seed of ${value}`)
    it.same(slotShare(own, waiting, roundsLeft), share, `share of ${waiting} in ${roundsLeft}`)
    for (const [lot, place] of lots.entries()) it.same(slotLot(own, lot, waiting - lot), place, `lot ${lot}`)
  }
  for (const { story, scores } of vectors.scores) {
    let score = 0
    for (const [n, expected] of scores.entries()) {
      score = scoreAfter(score, OUTCOMES[story[n]!]!, p)
      it.same(score, expected, `${story}, after ${n}`)
    }
  }
  for (const { steps, ms } of vectors.answerMs) it.same(answerMs(steps, p), ms, `time for ${steps} steps`)
}

interface Wrap {
  place: Record<'chain' | 'key' | 'signer', string> & Record<'fork' | 'copy' | 'start' | 'draw', number>
  segmentId: string
  publicKey: string
  chunks: { index: number; plain: string; encoded: string }[]
}

/** Encoded chunks, by the ciphers that are handed in to the checks of evidence. */
export function wrap(it: Comparisons, { place, segmentId: expected, publicKey, chunks }: Wrap): void {
  const { chain, key, signer } = place
  const id = segmentId({ ...place, chain: from(chain), key: from(key), signer: from(signer) })
  it.same(id, expected, 'id of the segment')
  const segment = { codec: 'wrap' as const, id, publicKey: from(publicKey), salt: new Uint8Array(32) }
  for (const { index, plain, encoded } of chunks) {
    it.same(decodeChunk(segment, index, from(encoded)), plain, `chunk ${index}`)
  }
}

interface Seal {
  segmentId: string
  salt: string
  keys: { publicKey: string; chunks: { index: number; plain: string; encoded: string }[] }[]
}

export function seal(it: Comparisons, { segmentId: id, salt, keys }: Seal): void {
  for (const { publicKey, chunks } of keys) {
    const segment = { codec: 'seal' as const, id: from(id), salt: from(salt), publicKey: from(publicKey) }
    for (const { index, plain, encoded } of chunks) {
      it.same(decodeChunk(segment, index, from(encoded)), plain, `chunk ${index}`)
    }
  }
}

interface Openings {
  chances: { bytes: number; chunks: number; every: number; chance: number }[]
  draws: {
    chain: string
    challenge: number
    value: string
    chunks: number
    seed: string
    draw: number
    chunk: number
  }[]
}

export function openings(it: Comparisons, vectors: Openings): void {
  const p = parameters()
  for (const { chance, ...copy } of vectors.chances) it.same(openingChance(copy, p), chance, shown(copy))
  for (const { chain, challenge, value, chunks, seed, draw, chunk } of vectors.draws) {
    const own = openingSeed(from(chain), challenge, from(value))
    it.same(own, seed, `seed of ${challenge}`)
    it.same(uniform(own, BigInt(CHANCE_ONE)), `${draw}`, `draw of ${challenge}`)
    it.same(isOpened(own, draw + 1), true, `${challenge} just below its chance`)
    it.same(isOpened(own, draw), false, `${challenge} at its chance`)
    it.same(openedChunk(own, chunks), chunk, `chunk of ${challenge}`)
  }
}
