import { ownedSeal } from '../helpers/moduli.js'
import { createRequire } from 'node:module'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sodium from 'sodium-native'
import Hypercore from 'hypercore'
import { blake3 } from '../../src/crypto/hash.js'
import { keyPairFromSeed, type KeyPair } from '../../src/crypto/keys.js'
import { ChainError } from '../../src/errors.js'
import { wallClock } from '../helpers/wall-clock.js'
import { Ledger } from '../../src/ledger/ledger.js'
import { parameters, type Parameters } from '../../src/protocol/parameters.js'
import { OnionBeacon } from '../../src/ledger/rules/beacon.js'
import {
  answerOf,
  reportCommitment,
  signOperation,
  type Outcome,
  type Plan,
  type Report,
  type Statement
} from '../../src/protocol/operations.js'
import { signSegment, segmentId, segmentSalt, type SegmentRecord } from '../../src/protocol/segment.js'
import type { AssignmentView, ChallengeView, Receipt } from '../../src/protocol/views.js'
import { toHex } from '../../src/bytes.js'
import { anchorAt } from '../../src/protocol/anchor.js'
import { sumsOf, type Original } from '../../src/protocol/original.js'
import { rootIndices } from '../../src/protocol/original-tree.js'

/** A key pair that a test knows by name. */
export function identity(name: string): KeyPair {
  return keyPairFromSeed(blake3(Buffer.from(`test ${name}`)))
}

/** Rules for tests: a tick is 100 ms, an epoch a second. */
export const quick: Partial<Parameters> = {
  tickMs: 100,
  epochMs: 1_000,
  agingRounds: 1,
  acknowledgeMs: 500,
  deliverBaseMs: 1_000,
  settleGraceMs: 1_000,
  walkStepUs: 2_000,
  roundTripMs: 50,
  reportRounds: 5,
  revealRounds: 3,
  evidenceWindowMs: 5_000,
  lockMs: 60_000,
  barMs: 30_000,
  repairMs: 20_000,
  offlineMaxMs: 60_000,
  surplusMs: 30_000,
  massOutageMs: 0,
  commitmentBits: 4,
  commitmentRounds: 50,
  claimRounds: 5,
  growthMs: 0,
  // Figures of a test are those of its own rule.
  feePerUnit: 0n,
  feePerByte: 0n,
  segmentFee: 0n,
  challengeFee: 0n
}

/** A hypercore's claim with a real author's signature, without its blocks. */
export function original(
  name: string,
  length: number,
  byteLength: number
): { key: Buffer; original: Original } {
  return claimOf(name, length, rootsOf(name, length, byteLength))
}

/** What the author of this name signs: any roots that it likes. */
export function claimOf(
  name: string,
  length: number,
  roots: Original['roots'],
  fork = 0
): { key: Buffer; original: Original } {
  const author = identity(`author ${name}`)
  const manifest = {
    version: 1,
    hash: 'blake2b',
    allowPatch: false,
    quorum: 1,
    signers: [{ signature: 'ed25519', namespace: Buffer.alloc(32, 7), publicKey: author.publicKey }],
    prologue: null,
    linked: null,
    userData: null
  }
  return {
    key: Hypercore.key(manifest),
    original: signOriginal(author, manifest, { length, roots, fork })
  }
}

/** A hypercore whose key fixes its blocks, and its state; not signed by anybody. */
export function prologue(
  name: string,
  length: number,
  byteLength: number
): { key: Buffer; original: Original } {
  const roots = rootsOf(name, length, byteLength)
  const hash = Buffer.from(sumsOf({ length, roots }).treeHash)
  const manifest = { version: 1, hash: 'blake2b', quorum: 0, signers: [], prologue: { hash, length } }
  const { Verifier } = hypercoreParts
  const whole = Verifier.createManifest(manifest)
  const original = {
    fork: 0,
    length,
    roots,
    manifest: Verifier.encodeManifest(whole),
    signature: Buffer.alloc(0)
  }
  return { key: Hypercore.key(manifest), original }
}

function signOriginal(
  author: KeyPair,
  manifest: Hypercore.Manifest,
  { length, roots, fork }: Pick<Original, 'length' | 'roots' | 'fork'>
): Original {
  const { caps, Verifier, multisig } = hypercoreParts
  const signable = caps.treeSignable(
    Hypercore.key(manifest),
    Buffer.from(sumsOf({ length, roots }).treeHash),
    length,
    fork
  )
  const signed = Buffer.alloc(64)
  sodium.crypto_sign_detached(signed, signable, author.secretKey)
  const signature = multisig.assemble([{ signer: 0, signature: signed, patch: 0, nodes: null }])
  return { fork, length, roots, manifest: Verifier.encodeManifest(manifest), signature }
}

/** Roots of a tree of blocks that are about as long as each other. */
function rootsOf(name: string, length: number, byteLength: number): Original['roots'] {
  let rest = byteLength
  const indices = rootIndices(length)
  return indices.map((index, place) => {
    const blocks = fullSize(index)
    const size = place === indices.length - 1 ? rest : Math.floor((byteLength * blocks) / length)
    rest -= size
    return { size, hash: blake3(Buffer.from(`${name} ${length} ${index}`)) }
  })
}

/** Leaves below a node. */
function fullSize(index: number): number {
  return (index + 1) & -(index + 1)
}

const require = createRequire(import.meta.url)
const hypercoreParts = {
  caps: require('hypercore/lib/caps.js') as {
    treeSignable(ns: Buffer, hash: Buffer, length: number, fork: number): Buffer
  },
  Verifier: require('hypercore/lib/verifier.js') as {
    createManifest(m: object): Hypercore.Manifest
    encodeManifest(m: Hypercore.Manifest): Buffer
  },
  multisig: require('hypercore/lib/multisig.js') as { assemble(proofs: object[]): Buffer }
}

export const DEPOSIT = 50_000_000n
export const MIB = 1 << 20

const GENESIS_AT = 1_700_000_000_000

/** A whole network on one ledger in one process: the chain is real, the participants say what tests let them say. */
export class TestNetwork {
  readonly folder = mkdtempSync(join(tmpdir(), 'datdot-chain-'))
  readonly path = join(this.folder, 'ledger.db')
  readonly chain = identity('chain')
  readonly beacon: OnionBeacon
  readonly supporter = identity('supporter')
  readonly identities = new Map<string, KeyPair>()
  readonly salts = new Map<string, { reports: Report[]; salt: Buffer }>()
  ledger: Ledger
  at = GENESIS_AT
  /** How far the machine's date is ahead of the time that goes by. */
  wallAhead = 0

  constructor(changes: Partial<Parameters> = {}, names: string[] = [], layers = 64) {
    this.beacon = new OnionBeacon(blake3(Buffer.from('onion')), layers)
    for (const name of names) this.#add(name)
    this.#add('supporter')
    this.ledger = this.#open(changes)
  }

  /** The ledger as another process would find it. */
  reopen(): void {
    this.ledger.close()
    this.ledger = this.#open({})
  }

  #open(changes: Partial<Parameters>): Ledger {
    return Ledger.open({
      path: this.path,
      keyPair: this.chain,
      beacon: this.beacon,
      clock: wallClock(() => this.at + this.wallAhead),
      time: () => this.clock,
      // What a crash leaves is tested elsewhere; here flushing only takes time.
      durable: false,
      genesis: {
        name: 'test',
        parameters: parameters({ ...quick, ...changes }),
        beacon: { commitment: this.beacon.commitment(), length: this.beacon.length },
        allocations: [...this.identities.values()].map(({ publicKey }) => ({
          key: publicKey,
          amount: 1_000_000_000n
        }))
      }
    })
  }

  #add(name: string): void {
    const keyPair = identity(name)
    this.identities.set(keyPair.publicKey.toString('hex'), keyPair)
  }

  keyPair(key: Uint8Array): KeyPair {
    return this.identities.get(toHex(key))!
  }

  wire(keyPair: KeyPair, statement: Statement, detail?: Uint8Array): Uint8Array {
    const { nonce } = this.ledger.account(keyPair.publicKey)
    return signOperation(statement, {
      chainId: this.ledger.chainId,
      keyPair,
      nonce,
      anchor: anchorAt(this.ledger.chain()),
      ...(detail && { detail })
    })
  }

  /** Submits one operation. @throws the chain's error */
  send(keyPair: KeyPair, statement: Statement, detail?: Uint8Array): Receipt {
    const [result] = this.ledger.submit([this.wire(keyPair, statement, detail)])
    if (!result!.ok) throw result!.error
    return result!.receipt
  }

  /** The code with which the chain refuses an operation, or `ok`. */
  code(keyPair: KeyPair, statement: Statement, detail?: Uint8Array): string {
    try {
      this.send(keyPair, statement, detail)
      return 'ok'
    } catch (error) {
      if (error instanceof ChainError) return error.code
      throw error
    }
  }

  /** Chain time now; what the log shows of it may be older. */
  get clock(): number {
    return this.at - GENESIS_AT
  }

  /** As much work a tick as it may do whatever the machine is like, so that the same is done again. */
  tick(times = 1, work = 500): void {
    for (let n = 0; n < times; n++) {
      this.at += 100
      this.ledger.tick(work)
    }
  }

  register(
    name: string,
    role: 'signer' | 'pinner' | 'verifier',
    deposit = DEPOSIT,
    capacity = 1 << 30
  ): void {
    this.send(identity(name), {
      kind: 'register',
      body: { role, capacityBytes: capacity, deposit, payout: null }
    })
  }

  sponsor(name: string, plan: Partial<Plan> = {}, donation = 100_000_000n, length = 100): Buffer {
    const claim = original(name, length, length * 1_000)
    this.send(this.supporter, {
      kind: 'sponsor',
      body: {
        key: claim.key,
        original: claim.original,
        plan: {
          copies: 2,
          targetPpm: 0,
          codec: 'wrap',
          every: 1,
          steps: 8,
          maxBytes: 1 << 30,
          topic: Buffer.alloc(32, 9),
          refreshAfterMs: 0,
          ...plan
        },
        donation
      }
    })
    return claim.key
  }

  /** The author appends, and says so. */
  grow(name: string, length: number): void {
    this.send(this.supporter, { kind: 'extend', body: original(name, length, length * 1_000) })
  }

  /** The record that an honest signer and pinner agree on. */
  record(assignment: AssignmentView, changes: Partial<SegmentRecord> = {}): SegmentRecord {
    const { hypercore: key, fork, copy, segment, signer, pinner, codec, treeHash, draw, beacon } = assignment
    const { start, end } = assignment.task
    const id = segmentId({ chain: this.ledger.chainId, key, fork, copy, start, signer, draw })
    return {
      key,
      fork,
      copy,
      segment,
      pinner,
      signer,
      codec,
      version: 1,
      start,
      end,
      ...(codec === 'wrap'
        ? { publicKey: signer, primeProof: Buffer.alloc(0) }
        : ownedSeal(keyName({ copy, start, draw }))),
      salt: segmentSalt(beacon, id),
      chunks: end - start,
      bytes: (end - start) * 1_140,
      root: blake3(Buffer.from(`root ${copy} ${start}`)),
      treeHash,
      ...changes
    }
  }

  deliver(assignment: AssignmentView, changes: Partial<SegmentRecord> = {}): Receipt {
    const record = this.record(assignment, changes)
    const signer = this.keyPair(assignment.signer)
    const signature = signSegment(this.ledger.chainId, signer, record)
    return this.send(signer, { kind: 'deliver', body: { draw: assignment.draw, record, signature } })
  }

  accept(assignment: AssignmentView, changes: Partial<SegmentRecord> = {}): Receipt {
    const record = this.record(assignment, changes)
    const { chainId } = this.ledger
    const signerSignature = signSegment(chainId, this.keyPair(assignment.signer), record)
    const pinner = this.keyPair(assignment.pinner)
    const signature = signSegment(chainId, pinner, record)
    return this.send(pinner, {
      kind: 'accept',
      body: { draw: assignment.draw, record, signerSignature, signature }
    })
  }

  /** All who are asked to take part in a draw say yes. */
  acknowledge(): void {
    for (const keyPair of this.identities.values()) {
      const asked = this.ledger.assignments(keyPair.publicKey).filter(({ acknowledge }) => acknowledge)
      for (const { draw } of [...this.ledger.asks(keyPair.publicKey), ...asked]) {
        this.send(keyPair, { kind: 'acknowledge', body: { draw } })
      }
    }
  }

  /** Everybody does at once what is asked of them. */
  work(options: { outcome?: (challenge: ChallengeView) => Outcome | 'silent'; served?: boolean } = {}): void {
    const { ledger } = this
    this.acknowledge()
    for (const keyPair of this.identities.values()) {
      for (const assignment of ledger.assignments(keyPair.publicKey)) {
        if (assignment.task.state === 'delivering' && assignment.role === 'signer') {
          this.deliver(assignment)
        } else if (assignment.task.state === 'delivered' && assignment.role === 'pinner') {
          this.accept(assignment)
        }
      }
      this.answer(keyPair, options.outcome)
      this.report(keyPair, options.served ?? true)
    }
    this.settle(options.outcome)
  }

  answer(
    keyPair: KeyPair,
    outcome: (challenge: ChallengeView) => Outcome | 'silent' = () => 'success'
  ): void {
    const open = this.ledger.challenges(keyPair.publicKey)
    const silent = new Set(['silent', 'offline'])
    const answered = open.filter(
      (challenge) => !silent.has(outcome(challenge)) && outcome(challenge) !== 'refused'
    )
    const refused = open.filter((challenge) => outcome(challenge) === 'refused')
    if (answered.length + refused.length === 0) return
    const { body, detail } = answerOf(
      answered.map(fakeAnswer),
      refused.map(({ id }) => id)
    )
    this.send(keyPair, { kind: 'answer', body }, detail)
  }

  settle(outcome: (challenge: ChallengeView) => Outcome | 'silent' = () => 'success'): void {
    this.ledger.settle(
      this.ledger.answered().map((challenge) => ({
        challenge: challenge.id,
        outcome: outcome(challenge) as Outcome
      }))
    )
  }

  /** The chain's verdicts on what a pinner was asked to open: chunks that are as they should be. */
  settleOpenings(keyPair: KeyPair): void {
    this.ledger.settleOpenings(
      this.ledger.openings(keyPair.publicKey).map(({ challenge }) => ({
        challenge,
        outcome: 'success' as const,
        evidence: Buffer.alloc(32, challenge % 251)
      }))
    )
  }

  report(keyPair: KeyPair, served: boolean): void {
    const { ledger } = this
    if (!ledger.account(keyPair.publicKey).roles.some(({ role }) => role === 'verifier')) return
    const { round } = ledger.chain()
    for (const { epoch, closeRound, settleRound } of ledger.checkEpochs()) {
      const name = `${keyPair.publicKey.toString('hex')} ${epoch}`
      const made = this.salts.get(name)
      if (!made && round < closeRound) {
        const checks = ledger.checks(keyPair.publicKey, epoch)
        if (checks.length === 0) continue
        const firstByteUs = served ? 20_000 : 9_000_000
        const reports = checks.map(({ copy }) => {
          return { copy, firstByteUs, bytesPerSecond: 5_000_000, misses: 0, blocks: 8, bytes: 8_000 }
        })
        const salt = blake3(Buffer.from(name))
        const commitment = reportCommitment(ledger.chainId, keyPair.publicKey, epoch, reports, salt)
        this.send(keyPair, { kind: 'commitReport', body: { epoch, commitment } })
        this.salts.set(name, { reports, salt })
      } else if (made && round >= closeRound && round < settleRound) {
        this.send(keyPair, { kind: 'revealReport', body: { epoch, ...made } })
        this.salts.delete(name)
      }
    }
  }

  close(): void {
    this.ledger.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The name of the key that a segment of `seal` has in a test, for `ownedKey`. */
export function keyName({ copy, start, draw }: { copy: number; start: number; draw: number }): string {
  return `${copy} ${start} ${draw}`
}

/** An answer of who has no chunks: s_k and the hash of an evidence that nobody has. */
export function fakeAnswer({ id, seed }: ChallengeView): {
  challenge: number
  state: Uint8Array
  evidence: Uint8Array
} {
  return { challenge: id, state: blake3(seed), evidence: blake3(blake3(seed)) }
}

/** A network like `up`'s: 3 signers, 4 pinners, 3 verifiers, all registered. */
export function smallNetwork(changes: Partial<Parameters> = {}): TestNetwork {
  const roles = [
    ['signer', 3],
    ['pinner', 4],
    ['verifier', 3]
  ] as const
  const names = roles.flatMap(([role, count]) => Array.from({ length: count }, (_, n) => `${role}-${n + 1}`))
  const network = new TestNetwork(changes, names)
  for (const name of names) network.register(name, name.split('-')[0] as 'signer')
  return network
}
