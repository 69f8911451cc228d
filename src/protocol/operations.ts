import { codecNames } from '../chunk/header.js'
import { hash } from '#crypto/hash.js'
import {
  PUBLIC_KEY_BYTES,
  SIGNATURE_BYTES,
  signDetached,
  verifyDetached,
  type KeyPair
} from '#crypto/keys.js'
import { equal } from '../bytes.js'
import { ChainError } from '../errors.js'
import {
  amount,
  decode,
  encode,
  fixed,
  list,
  oneOf,
  optional,
  struct,
  text,
  uint,
  type Infer,
  type CodecState,
  type Type
} from './codec.js'
import { parametersType } from './parameters.js'
import { anchorType, type Anchor } from './anchor.js'
import { forkProofType } from './fork-proof.js'
import { originalType } from './original.js'
import { segmentHash, segmentRecordType } from './segment.js'

/** Version of the encoding of operations, their first byte. */
const OPERATION_VERSION = 2

/** Most bytes of an operation without its detail, and of a detail. */
export const OPERATION_BYTES_MAX = 262_144
export const DETAIL_BYTES_MAX = 8_388_608

/** Most challenges that one answer or one settle may cover. */
export const CHALLENGES_MAX = 2_048

/** Most reports that one reveal may hold: each has the verifiers of a copy drawn again, some 100 µs. */
export const REPORTS_MAX = 128

/** Bytes of a modulus of `seal`, of its factors and of roots modulo it. */
const MODULUS_BYTES = 256

export const roleNames = ['signer', 'pinner', 'verifier'] as const
export type RoleName = (typeof roleNames)[number]

/** What became of a challenge or a check. `lie` is a failure that the chain can prove from the answer. */
export const outcomeNames = ['success', 'failure', 'offline', 'refused', 'unknown', 'lie'] as const
export type Outcome = (typeof outcomeNames)[number]

const key = fixed(PUBLIC_KEY_BYTES)
const hash32 = fixed(32)
const signature = fixed(SIGNATURE_BYTES)
const id = uint()

/**
 * What a supporter wants. `copies`: how many, or 0 to let `targetPpm` choose; `every`: epochs between
 * challenges, a power of two; `steps`: k of the walk; `maxBytes`: longest original that is still paid for; `topic`: the discovery key under
 * which readers look for it, its own or that of the hypercore it belongs to (a drive's blobs: the drive's);
 * `refreshAfterMs`: how long a segment of `seal` is held before another signer seals it anew, 0: as long as the lock of its signer.
 */
export const planType = struct({
  copies: uint(1_000),
  targetPpm: uint(999_999),
  codec: oneOf(codecNames),
  every: uint(1_024),
  steps: uint(4_096),
  maxBytes: uint(),
  topic: hash32,
  refreshAfterMs: uint()
})
export type Plan = Infer<typeof planType>

/** One verifier's measurement of one copy: median time to first byte, throughput, blocks not served. */
const reportType = struct({
  copy: id,
  firstByteUs: uint(),
  bytesPerSecond: uint(),
  misses: uint(),
  blocks: uint(),
  bytes: uint()
})
export type Report = Infer<typeof reportType>

/** Detail of an answer: of each answered challenge, in order, s_k and the hash of the evidence that is to follow. */
export const answerDetailType = list(struct({ state: hash32, evidence: hash32 }), CHALLENGES_MAX)

/** Body of every kind of operation; docs/protocol.md says what each does and when it is refused. */
export const bodies = {
  /** First entry of a log: everything that the rules start from. Sender is the chain's key. */
  genesis: struct({
    name: text(64),
    at: uint(),
    rulesVersion: uint(65_535),
    parameters: parametersType,
    beacon: struct({ kind: oneOf(['onion'] as const), commitment: hash32, length: uint() }),
    allocations: list(struct({ key, amount }), 100_000)
  }),
  /**
   * The chain's heartbeat: its date, how long it stood still since the last one (which is no chain time), the value of a later round (null to
   * go on within the same), most work to do.
   */
  tick: struct({
    at: uint(),
    stalledMs: uint(),
    round: uint(),
    value: optional(hash32),
    nextOnion: optional(hash32),
    work: uint(1_000_000)
  }),
  parameters: struct({ parameters: parametersType }),
  /** The chain's verdict on answered challenges, by the evidence that each answer named. */
  settle: struct({
    items: list(struct({ challenge: id, outcome: oneOf(outcomeNames) }), CHALLENGES_MAX)
  }),
  /** The chain's verdict on a refusal with evidence. */
  judge: struct({ draw: id, upheld: uint(1) }),
  /** The chain's verdict on openings: by the evidence whose hash it names, or that none came in its time. */
  settleOpenings: struct({
    items: list(
      struct({
        challenge: id,
        outcome: oneOf(['success', 'lie', 'failure'] as const),
        evidence: optional(hash32)
      }),
      CHALLENGES_MAX
    )
  }),
  /** Corrects the chain's date by more than an hour. Chain time goes on as it was. */
  setTime: struct({ at: uint() }),
  /** Joins a role, or raises its deposit and changes its capacity. */
  /** `payout`: the account that is paid instead of the sender's; null: as it was, at first the sender's. */
  register: struct({
    role: oneOf(roleNames),
    capacityBytes: uint(),
    deposit: amount,
    payout: optional(key)
  }),
  retire: struct({ role: oneOf(roleNames) }),
  /** A pinner will be away for so many whole epochs, from this one on; 0: the pause that begins with it ends. */
  pause: struct({ epoch: uint(), epochs: uint(1_000_000) }),
  sponsor: struct({ key, original: originalType, plan: planType, donation: amount }),
  extend: struct({ key, original: originalType }),
  /** The author has rewritten a hypercore: what it signed under a new fork, and how much of what is on record that leaves. */
  fork: struct({ key, original: originalType, proof: forkProofType }),
  /** Two trees of one fork and length that the author of a hypercore has both signed. */
  conflict: struct({ key, one: originalType, other: originalType }),
  donate: struct({ key, amount }),
  transfer: struct({ to: key, amount }),
  /** The account that a role's rewards go to names another one. */
  setPayout: struct({ key, role: oneOf(roleNames), payout: key }),
  /** The account that all roles of an identity pay out to gives it another key, which has no account yet. */
  replaceKey: struct({ key, by: key }),
  acknowledge: struct({ draw: id }),
  /** What the signer signed: `signature` is over segmentHash(record). */
  deliver: struct({ draw: id, record: segmentRecordType, signature }),
  /** The pinner's: it has checked and stored the segment. With the signer's signature over the same hash. */
  accept: struct({ draw: id, record: segmentRecordType, signerSignature: signature, signature }),
  /** `evidence`: hash of what shows the other side's fault (src/chain/refusal), handed over apart. */
  refuse: struct({
    draw: id,
    reason: oneOf(['unreachable', 'mismatch', 'busy', 'other'] as const),
    evidence: optional(hash32)
  }),
  /** One answer for many challenges: those walked (s_k and evidence's hash in the detail) and those that cannot be. */
  answer: struct({ answered: list(id, CHALLENGES_MAX), refused: list(id, CHALLENGES_MAX), detail: hash32 }),
  commitReport: struct({ epoch: uint(), commitment: hash32 }),
  revealReport: struct({ epoch: uint(), salt: hash32, reports: list(reportType, REPORTS_MAX) }),
  /** A finder of a factor binds it and itself by hash, before it shows it. */
  commitFactor: struct({ commitment: hash32 }),
  /** Shows a factor of the modulus of a live segment, which `segment` names by its hash; 256 bytes. */
  claimFactor: struct({ segment: hash32, factor: fixed(MODULUS_BYTES), salt: hash32 }),
  /** Shows a root of the value that names this finder, made of a round after the segment was accepted. */
  claimRoot: struct({ segment: hash32, round: uint(), root: fixed(MODULUS_BYTES) })
}

export type Kind = keyof typeof bodies
export type Body<K extends Kind> = Infer<(typeof bodies)[K]>

/** Codes on the wire. Never reused. */
const kindCodes: Record<Kind, number> = {
  genesis: 0,
  tick: 1,
  parameters: 2,
  settle: 3,
  judge: 4,
  setTime: 5,
  settleOpenings: 6,
  register: 16,
  retire: 17,
  sponsor: 18,
  extend: 19,
  donate: 20,
  transfer: 21,
  acknowledge: 22,
  deliver: 23,
  accept: 24,
  refuse: 25,
  answer: 26,
  commitReport: 27,
  revealReport: 28,
  setPayout: 29,
  replaceKey: 30,
  fork: 31,
  conflict: 32,
  pause: 33,
  commitFactor: 40,
  claimFactor: 41,
  claimRoot: 42
}

const kindOfCode = new Map(Object.entries(kindCodes).map(([kind, code]) => [code, kind as Kind]))
export const kinds = Object.keys(kindCodes) as Kind[]

/** Kinds that only the chain's own key may sign. */
export const chainKinds: ReadonlySet<Kind> = new Set([
  'genesis',
  'tick',
  'parameters',
  'settle',
  'judge',
  'setTime',
  'settleOpenings'
])

/** Kinds that their senders owe when they are asked for them: entries say when they came, and that is what deadlines are held against. */
export const owedKinds: ReadonlySet<Kind> = new Set([
  'acknowledge',
  'deliver',
  'accept',
  'refuse',
  'answer',
  'commitReport',
  'revealReport'
])

/** Kinds that a key without an account may sign, which opens one: what a bounty pays is enough to begin with. */
export const openKinds: ReadonlySet<Kind> = new Set(['commitFactor', 'claimFactor', 'claimRoot'])

/** What a sender says, before it is signed. */
export type Statement = { [K in Kind]: { kind: K; body: Body<K> } }[Kind]

/** An operation as it is decoded: the statement, its sender, and the bytes that were hashed and signed. */
export type Operation = Statement & {
  sender: Uint8Array
  nonce: number
  /** The entry that the sender had seen. */
  anchor: Anchor
  signature: Uint8Array
  /** Head, body and signature: what the log keeps forever. */
  core: Uint8Array
  /** What the body binds by hash and the log may prune; null where the kind has none or it was pruned. */
  detail: Uint8Array | null
}

const versionType = uint(0xfc)
const nonceType = uint()
const codeType = uint(0xfc)

/** Hash that stands in the body for a detail. */
export function detailHash(detail: Uint8Array): Uint8Array {
  return hash('datdot/detail/1', detail)
}

/** The kind of an operation, as far as its head can be read; null if it cannot. */
export function kindOnWire(wire: Uint8Array): Kind | null {
  const state: CodecState = { start: 0, end: wire.byteLength, buffer: wire }
  try {
    versionType.decode(state)
    key.decode(state)
    nonceType.decode(state)
    anchorType.decode(state)
    return kindOfCode.get(codeType.decode(state)) ?? null
  } catch {
    return null
  }
}

function hasDetail(kind: Kind): boolean {
  return kind === 'answer'
}

/** What the sender signs: the domain, the network and the operation's unsigned bytes. 32 zeros for genesis. */
export function operationHash(chainId: Uint8Array, unsigned: Uint8Array): Uint8Array {
  return hash('datdot/operation/1', chainId, unsigned)
}

/** Identity of a network: the hash of its genesis operation, signature left out. */
export function chainIdOf(genesis: Operation): Uint8Array {
  return operationHash(NO_CHAIN, unsignedBytes(genesis))
}

/** The chain id that a genesis operation itself is signed under. */
export const NO_CHAIN = new Uint8Array(32)

/** The bytes of an operation that are hashed: all of its core but the signature. */
export function unsignedBytes(operation: { core: Uint8Array }): Uint8Array {
  return operation.core.subarray(0, operation.core.byteLength - SIGNATURE_BYTES)
}

/** Signs a statement. The result is the operation's wire form: core, then detail. */
export function signOperation(
  statement: Statement,
  from: { chainId: Uint8Array; keyPair: KeyPair; nonce: number; anchor: Anchor; detail?: Uint8Array }
): Uint8Array {
  const type = bodies[statement.kind] as Type<unknown>
  const unsigned: CodecState = { start: 0, end: 0, buffer: null }
  const head = (write: 'preencode' | 'encode') => {
    versionType[write](unsigned, OPERATION_VERSION)
    key[write](unsigned, from.keyPair.publicKey)
    nonceType[write](unsigned, from.nonce)
    anchorType[write](unsigned, from.anchor)
    codeType[write](unsigned, kindCodes[statement.kind])
    type[write](unsigned, statement.body)
  }
  head('preencode')
  const length = unsigned.end
  const detail = from.detail ?? new Uint8Array(0)
  const wire = new Uint8Array(length + SIGNATURE_BYTES + detail.byteLength)
  unsigned.buffer = wire
  head('encode')
  const signed = operationHash(from.chainId, wire.subarray(0, length))
  wire.set(signDetached(signed, from.keyPair.secretKey), length)
  wire.set(detail, length + SIGNATURE_BYTES)
  return wire
}

/**
 * Reads an operation and checks its form: version, kind, bounds, shortest numbers, detail. Not its signature.
 *
 * @param pruned allow a missing detail, as in a log whose details were pruned
 * @throws ChainError OPERATION_MALFORMED, OPERATION_TOO_LARGE, OPERATION_UNKNOWN
 */
export function decodeOperation(wire: Uint8Array, pruned = false): Operation {
  const buffer = wire
  if (buffer.byteLength > OPERATION_BYTES_MAX + DETAIL_BYTES_MAX && buffer[33] !== 0) throw tooLarge()
  const state: CodecState = { start: 0, end: buffer.byteLength, buffer }
  if (versionType.decode(state) !== OPERATION_VERSION) {
    throw new ChainError('OPERATION_UNKNOWN', `operations of version ${buffer[0]} are not known here`)
  }
  const sender = key.decode(state)
  const nonce = nonceType.decode(state)
  const anchor = anchorType.decode(state)
  const code = codeType.decode(state)
  const kind = kindOfCode.get(code)
  if (kind === undefined)
    throw new ChainError('OPERATION_UNKNOWN', `operations of kind ${code} are not known`)
  const body = (bodies[kind] as Type<unknown>).decode(state)
  const signed = signature.decode(state)
  const core = buffer.subarray(0, state.start)
  if (core.byteLength > OPERATION_BYTES_MAX && kind !== 'genesis') throw tooLarge()
  let detail: Uint8Array | null = null
  const rest = buffer.subarray(state.start)
  if (hasDetail(kind) && !(pruned && rest.byteLength === 0)) {
    if (rest.byteLength > DETAIL_BYTES_MAX) throw tooLarge()
    if (!equal(detailHash(rest), (body as { detail: Uint8Array }).detail)) {
      throw new ChainError('OPERATION_MALFORMED', 'the detail is not the one that the operation binds')
    }
    detail = rest
  } else if (rest.byteLength > 0) {
    throw new ChainError('OPERATION_MALFORMED', 'bytes follow the operation')
  }
  return { kind, body, sender, nonce, anchor, signature: signed, core, detail } as Operation
}

/** Whether every signature in an operation holds. Pure, so that worker threads can do it. */
export function verifyOperation(chainId: Uint8Array, operation: Operation): boolean {
  const bound = operation.kind === 'genesis' ? NO_CHAIN : chainId
  if (!holds(operation.sender, operationHash(bound, unsignedBytes(operation)), operation.signature))
    return false
  if (operation.kind === 'deliver') {
    const { record, signature } = operation.body
    return holds(record.signer, segmentHash(chainId, record), signature)
  }
  if (operation.kind === 'accept') {
    const { record, signerSignature, signature } = operation.body
    const signed = segmentHash(chainId, record)
    return holds(record.signer, signed, signerSignature) && holds(record.pinner, signed, signature)
  }
  return true
}

/**
 * One byte per wire operation: 1 where it is well formed and its signatures hold. Never throws. A missing detail does not matter: what is
 * signed binds its hash.
 */
export function verifySignatures(chainId: Uint8Array, wires: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(wires, (wire) => {
    try {
      return verifyOperation(chainId, decodeOperation(wire, true)) ? 1 : 0
    } catch {
      return 0
    }
  })
}

/** Body and detail of an answer. `evidence`: its hash (`sliceEvidenceHash`). */
export function answerOf(
  answered: readonly { challenge: number; state: Uint8Array; evidence: Uint8Array }[],
  refused: readonly number[] = []
): { body: Body<'answer'>; detail: Uint8Array } {
  const detail = encode(
    answerDetailType,
    answered.map(({ state, evidence }) => ({ state, evidence }))
  )
  const ids = answered.map(({ challenge }) => challenge)
  return { body: { answered: ids, refused: [...refused], detail: detailHash(detail) }, detail }
}

/** What a verifier commits to before its reports may be seen. `salt`: 32 random bytes. */
export function reportCommitment(
  chainId: Uint8Array,
  verifier: Uint8Array,
  epoch: number,
  reports: readonly Report[],
  salt: Uint8Array
): Uint8Array {
  return hash(
    'datdot/report/1',
    chainId,
    verifier,
    epoch,
    encode(list(reportType, REPORTS_MAX), [...reports]),
    salt
  )
}

/** Reads a detail back. */
export function decodeDetail<T>(type: Type<T>, detail: Uint8Array): T {
  return decode(type, detail)
}

function holds(publicKey: Uint8Array, signed: Uint8Array, by: Uint8Array): boolean {
  return verifyDetached(by, signed, publicKey)
}

function tooLarge(): ChainError {
  return new ChainError('OPERATION_TOO_LARGE', `an operation may have ${OPERATION_BYTES_MAX} bytes`)
}
