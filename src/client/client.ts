import { blake3 } from '../crypto/hash.js'
import type { KeyPair } from '../crypto/keys.js'
import { SwarmError } from '../errors.js'
import { anchorAt, type Anchor } from '../protocol/anchor.js'
import { decode } from '../protocol/codec.js'
import { effectsType, type Effects } from '../protocol/effects.js'
import { decodeEntry, type Entry } from '../protocol/entry.js'
import {
  answerOf,
  decodeOperation,
  operationHash,
  reportCommitment,
  signOperation,
  unsignedBytes,
  type Body,
  type Operation,
  type Report,
  type RoleName,
  type Statement
} from '../protocol/operations.js'
import { verifyEvidenceReceipt, verifyReceipt, type EvidenceReceipt } from '../protocol/receipt.js'
import { signSegment, type SegmentRecord } from '../protocol/segment.js'
import type * as views from '../protocol/views.js'
import { Asking } from './asking.js'
import { ChainConnection, type CallOptions, type ConnectionOptions } from './connection.js'
import {
  uploadEvidence,
  uploadOpening,
  uploadRefusalEvidence,
  type AnswerEvidence,
  type UploadSource
} from './upload.js'
import { WAIT_MS_MAX, type Response } from '../protocol/rpc/messages.js'
import type { ReceiptFile } from './receipt-file.js'
import { SubmitQueue } from './submit-queue.js'
import type { EvidenceView } from '../protocol/rpc/views.js'
import { equal } from '../bytes.js'

export interface ChainClientOptions extends ConnectionOptions {
  /** The chain's public key, under which it is reachable and signs. */
  chainKey: Buffer
  /** Who asks and submits; `connect` must use the same key pair. */
  keyPair: KeyPair
  /** Where receipts are kept; opened and closed by its owner. What this client signs is over the newest of them. */
  receipts?: ReceiptFile
}

/** An entry as the chain sent it. */
export type Logged = Response<'events'>['events'][number]

/** Where a log is followed from, and until when. */
export interface Follow {
  from: number
  signal?: AbortSignal
}

/** One entry of the log with what it did. */
export interface ChainEvent {
  seq: number
  at: number
  operation: Operation
  /** Null where the chain has dropped them; a replay of the log gives them. */
  effects: Effects | null
  entry: Entry
}

/**
 * A peer's view of the chain: questions (those of src/protocol/rpc/questions.ts are methods of it), signed operations, and the log
 * as it grows. Reconnects by itself.
 *
 * ```ts
 * const connect = () => dht.connect(chainKey, { keyPair })
 * const chain = new ChainClient({ chainKey, keyPair, connect, clock, random })
 * await chain.register('pinner', 10_000_000_000, 5_000_000n)
 * for await (const event of chain.events({ from: 0 })) …
 * await chain.close()
 * ```
 */
export class ChainClient extends Asking {
  readonly chainKey: Buffer
  readonly #keyPair: KeyPair
  readonly #connection: ChainConnection
  readonly #queue: SubmitQueue
  readonly #receipts: ReceiptFile | null
  #chainId: Promise<Uint8Array> | null = null
  /** The newest entry that this client knows: what it signs holds only on a log that has it. */
  #anchor: Anchor | null = null

  constructor(options: ChainClientOptions) {
    super()
    this.chainKey = options.chainKey
    this.#keyPair = options.keyPair
    this.#receipts = options.receipts ?? null
    this.#connection = this.own('connection', new ChainConnection(options))
    this.#queue = new SubmitQueue(
      {
        nonce: async (signal, old) => {
          this.#anchor ??= await this.#kept(signal)
          if (old || !this.#anchor) this.#anchor = await this.#newest(signal)
          return (await this.account(this.#keyPair.publicKey, { signal })).nonce
        },
        submit: (wires, signal) =>
          this.#connection.call('submit', (again) => ({ wires, again: again ? 1 : 0 }), {
            signal,
            timeoutMs: 60_000
          })
      },
      this.signal
    )
  }

  protected asked(): ChainConnection {
    return this.#connection
  }

  /** Nothing is to be done ahead of the first question. Closing ends the connection and everything that waits. */
  protected start(): Promise<void> {
    return Promise.resolve()
  }

  protected override closedError(): Error {
    return new SwarmError('RPC_CLOSED', 'This client was closed')
  }

  /** The own public key. */
  get publicKey(): Buffer {
    return this.#keyPair.publicKey
  }

  /** Id of the network, asked for once. @throws SwarmError `CHAIN_OTHER` if another chain answers */
  chainId(options?: CallOptions): Promise<Uint8Array> {
    this.#chainId ??= this.info(options).then(({ chain }) => chain.chainId)
    this.#chainId.catch(() => (this.#chainId = null))
    return this.#chainId
  }

  async info(options?: CallOptions): Promise<Response<'info'>> {
    const info = await this.#connection.call('info', {}, options)
    if (!equal(info.chain.chainKey, this.chainKey)) {
      throw new SwarmError('CHAIN_OTHER', 'Another chain than the one asked for has answered')
    }
    return info
  }

  /** Own challenges that are answered and wait for their evidence. */
  evidenceDue(limit = 256, options?: CallOptions): Promise<views.ChallengeView[]> {
    return this.#connection.call('evidenceDue', { limit }, options)
  }

  /** Where the evidence of a challenge is kept, while it is. */
  findRefusalEvidence(draw: number, options?: CallOptions): Promise<EvidenceView | null> {
    return this.#connection.call('findRefusalEvidence', { draw }, options)
  }

  /** Where the opening after a challenge is kept, while it is. */
  findOpening(challenge: number, options?: CallOptions): Promise<EvidenceView | null> {
    return this.#connection.call('findOpening', { challenge }, options)
  }

  /** Own refusals whose evidence the chain waits for: their draws. */
  refusalsDue(options?: CallOptions): Promise<number[]> {
    return this.#connection.call('refusalsDue', {}, options)
  }

  findEvidence(challenge: number, options?: CallOptions): Promise<EvidenceView | null> {
    return this.#connection.call('findEvidence', { challenge }, options)
  }

  /**
   * Entries of the log from position `from` on, then each new one, without loss or repeat whatever happens to
   * the connection. Asks for the next ones only when the last were taken. Ends when aborted or closed.
   */
  async *events(follow: Follow): AsyncGenerator<ChainEvent, void, void> {
    for await (const read of this.#follow(follow)) for (const { event } of read) yield event
  }

  /** The same as the chain has it, some entries at a time. */
  async *log(follow: Follow): AsyncGenerator<Logged[], void, void> {
    for await (const read of this.#follow(follow)) yield read.map(({ logged }) => logged)
  }

  async *#follow({ from, signal }: Follow): AsyncGenerator<{ logged: Logged; event: ChainEvent }[]> {
    for (let next = from; ;) {
      const read = (await this.#eventsFrom(next, signal)).map((logged) => {
        const event = readEvent(logged.entry, logged.effects)
        if (event.seq !== next) throw new SwarmError('RPC_PROTOCOL', `Entry ${event.seq} came for ${next}`)
        next++
        return { logged, event }
      })
      yield read
    }
  }

  async #eventsFrom(from: number, signal?: AbortSignal): Promise<Response<'events'>['events']> {
    for (;;) {
      try {
        const request = { from, most: 256, waitMs: WAIT_MS_MAX }
        const { events } = await this.#connection.call('events', request, {
          timeoutMs: 2 * WAIT_MS_MAX,
          signal
        })
        if (events.length > 0) return events
      } catch (error) {
        signal?.throwIfAborted()
        // The chain is away for long: go on asking, that is what a subscriber wants.
        if (!(error instanceof SwarmError && error.code === 'RPC_TIMEOUT')) throw error
      }
    }
  }

  /**
   * Signs and submits an operation; calls take turns, so that nonces follow each other. A lost connection is
   * made again and the same bytes sent: the chain takes them once.
   *
   * @param signing hears each nonce before anything signed with it is sent; what it throws is what the call throws, and nothing is sent
   * @throws ChainError with the code of the chain's refusal; SwarmError if it cannot be reached
   */
  async submit(
    statement: Statement,
    {
      detail,
      signal,
      signing
    }: {
      detail?: Uint8Array
      signal?: AbortSignal | undefined
      signing?: (nonce: number) => void
    } = {}
  ): Promise<views.Receipt> {
    const chainId = await this.chainId({ signal })
    const sign = (nonce: number): Uint8Array => {
      signing?.(nonce)
      return signOperation(statement, {
        chainId,
        keyPair: this.#keyPair,
        nonce,
        anchor: this.#anchor!,
        ...(detail ? { detail } : {})
      })
    }
    const { receipt, wire } = await this.#queue.add(sign, signal)
    const operation = operationHash(chainId, unsignedBytes(decodeOperation(wire)))
    if (!equal(receipt.operation, operation) || !verifyReceipt(chainId, this.chainKey, receipt)) {
      throw new SwarmError('RPC_PROTOCOL', 'The receipt is not one for this operation, signed by this chain')
    }
    if (receipt.seq > this.#anchor!.seq) this.#anchor = { seq: receipt.seq, hash: receipt.entry }
    await this.#receipts?.add(receipt)
    return receipt
  }

  /** What this chain gave its newest receipt for that is kept. */
  async #kept(signal: AbortSignal): Promise<Anchor | null> {
    const receipt = this.#receipts?.newest
    if (!receipt || !verifyReceipt(await this.chainId({ signal }), this.chainKey, receipt)) return null
    return { seq: receipt.seq, hash: receipt.entry }
  }

  /**
   * The log's newest entry, if the log still has the one that was known before.
   *
   * @throws SwarmError `CHAIN_REWRITTEN`
   */
  async #newest(signal: AbortSignal): Promise<Anchor> {
    const { chain } = await this.info({ signal })
    if (this.#anchor) {
      const { seq, hash } = this.#anchor
      const { events } = await this.#connection.call('events', { from: seq, most: 1, waitMs: 0 }, { signal })
      const [event] = events.map(({ entry, effects }) => readEvent(entry, effects))
      if (event?.seq !== seq || !equal(event.entry.hash, hash)) {
        throw new SwarmError('CHAIN_REWRITTEN', `Entry ${seq} of the chain is another one than it was`)
      }
    }
    return anchorAt(chain)
  }

  /** @param payout account that is paid instead of the own one; null: as it was */
  register(
    role: RoleName,
    capacityBytes: number,
    deposit: bigint,
    payout: Uint8Array | null = null
  ): Promise<views.Receipt> {
    return this.submit({ kind: 'register', body: { role, capacityBytes, deposit, payout } })
  }

  /** A role that pays out to this account is to pay out to another. */
  setPayout(key: Uint8Array, role: RoleName, payout: Uint8Array): Promise<views.Receipt> {
    return this.submit({ kind: 'setPayout', body: { key, role, payout } })
  }

  /** An identity whose roles pay out to this account is to go on under another key. */
  replaceKey(key: Uint8Array, by: Uint8Array): Promise<views.Receipt> {
    return this.submit({ kind: 'replaceKey', body: { key, by } })
  }

  retire(role: RoleName): Promise<views.Receipt> {
    return this.submit({ kind: 'retire', body: { role } })
  }

  /** A pinner will be away for so many epochs, from this one on; 0: it takes that back. */
  pause(epoch: number, epochs: number): Promise<views.Receipt> {
    return this.submit({ kind: 'pause', body: { epoch, epochs } })
  }

  sponsor(body: Body<'sponsor'>): Promise<views.Receipt> {
    return this.submit({ kind: 'sponsor', body })
  }

  /** Tells that the author of a hypercore has rewritten it, and how much of what was there that leaves. */
  fork(body: Body<'fork'>): Promise<views.Receipt> {
    return this.submit({ kind: 'fork', body })
  }

  /** Shows two trees of one fork and length that the author of a hypercore has signed. */
  conflict(body: Body<'conflict'>): Promise<views.Receipt> {
    return this.submit({ kind: 'conflict', body })
  }

  extend(body: Body<'extend'>): Promise<views.Receipt> {
    return this.submit({ kind: 'extend', body })
  }

  donate(key: Buffer, amount: bigint): Promise<views.Receipt> {
    return this.submit({ kind: 'donate', body: { key, amount } })
  }

  transfer(to: Buffer, amount: bigint): Promise<views.Receipt> {
    return this.submit({ kind: 'transfer', body: { to, amount } })
  }

  acknowledge(draw: number): Promise<views.Receipt> {
    return this.submit({ kind: 'acknowledge', body: { draw } })
  }

  /** The signer has handed a segment over. */
  async deliver(draw: number, record: SegmentRecord): Promise<views.Receipt> {
    const signature = signSegment(await this.chainId(), this.#keyPair, record)
    return this.submit({ kind: 'deliver', body: { draw, record, signature } })
  }

  /** The pinner has checked a segment and stored it. */
  async accept(draw: number, record: SegmentRecord, signerSignature: Uint8Array): Promise<views.Receipt> {
    const signature = signSegment(await this.chainId(), this.#keyPair, record)
    return this.submit({ kind: 'accept', body: { draw, record, signerSignature, signature } })
  }

  /** @param evidence hash of what shows the signer's fault (`refusalHash`), for `sendRefusalEvidence` right after */
  refuse(
    draw: number,
    reason: Body<'refuse'>['reason'],
    evidence: Uint8Array | null = null
  ): Promise<views.Receipt> {
    return this.submit({ kind: 'refuse', body: { draw, reason, evidence } })
  }

  /** One answer for many challenges: s_k and the evidence's hash of those walked, and those that cannot be. */
  answer(
    answered: readonly { challenge: number; state: Uint8Array; evidence: Uint8Array }[],
    refused: readonly number[] = [],
    signal?: AbortSignal
  ): Promise<views.Receipt> {
    const { body, detail } = answerOf(answered, refused)
    return this.submit({ kind: 'answer', body }, { detail, signal })
  }

  /**
   * Hands over the evidence that an answer named, in pieces; begins again after a lost connection. Resolves to the chain's word that it has all of it.
   *
   * @throws SwarmError with the chain's code: `EVIDENCE_NOT_ASKED`, `EVIDENCE_LATE`, `EVIDENCE_CLAIM`, …; `RPC_PROTOCOL` without a
   *   receipt that holds
   */
  async sendEvidence(
    challenge: number,
    evidence: AnswerEvidence,
    options?: CallOptions
  ): Promise<EvidenceReceipt> {
    const receipt = await uploadEvidence(this.#connection, challenge, evidence, options)
    const holds =
      receipt?.challenge === challenge &&
      equal(receipt.evidence, evidence.hash) &&
      verifyEvidenceReceipt(await this.chainId(options), this.chainKey, receipt)
    if (holds) return receipt
    throw new SwarmError(
      'RPC_PROTOCOL',
      `The chain gave no receipt for the evidence of challenge ${challenge}`
    )
  }

  /**
   * Hands over an opening that was asked for. Resolves to the chain's word that it has all of it; what it is worth is judged after that.
   *
   * @throws SwarmError as `sendEvidence`
   */
  async sendOpening(
    challenge: number,
    opening: AnswerEvidence,
    options?: CallOptions
  ): Promise<EvidenceReceipt> {
    const receipt = await uploadOpening(this.#connection, challenge, opening, options)
    const holds =
      receipt?.challenge === challenge &&
      equal(receipt.evidence, opening.hash) &&
      verifyEvidenceReceipt(await this.chainId(options), this.chainKey, receipt, 'opening')
    if (holds) return receipt
    throw new SwarmError(
      'RPC_PROTOCOL',
      `The chain gave no receipt for the opening after challenge ${challenge}`
    )
  }

  /**
   * Hands over the evidence of an own refusal, in pieces; begins again after a lost connection.
   *
   * @throws SwarmError with the chain's code: `EVIDENCE_NOT_ASKED`, `EVIDENCE_LATE`, `EVIDENCE_TOO_LARGE`, …
   */
  sendRefusalEvidence(draw: number, evidence: UploadSource, options?: CallOptions): Promise<void> {
    return uploadRefusalEvidence(this.#connection, draw, evidence, options)
  }

  /** Commits to reports; keep the salt (32 random bytes) until `revealReport`. */
  async commitReport(epoch: number, reports: readonly Report[], salt: Buffer): Promise<views.Receipt> {
    const commitment = reportCommitment(await this.chainId(), this.publicKey, epoch, reports, salt)
    return this.submit({ kind: 'commitReport', body: { epoch, commitment } })
  }

  /** Binds a factor that is shown later; `claimFactorBounty` of src/client/bounty.ts does all of it. */
  commitFactor(commitment: Uint8Array): Promise<views.Receipt> {
    return this.submit({ kind: 'commitFactor', body: { commitment } })
  }

  claimFactor(segment: Uint8Array, factor: Uint8Array, salt: Uint8Array): Promise<views.Receipt> {
    return this.submit({ kind: 'claimFactor', body: { segment, factor, salt } })
  }

  /** @param root 256 bytes, of `aliveValue(id of the segment, own key, value of the round)` */
  claimRoot(segment: Uint8Array, round: number, root: Uint8Array): Promise<views.Receipt> {
    return this.submit({ kind: 'claimRoot', body: { segment, round, root } })
  }

  revealReport(epoch: number, reports: readonly Report[], salt: Buffer): Promise<views.Receipt> {
    return this.submit({ kind: 'revealReport', body: { epoch, salt, reports: [...reports] } })
  }
}

/** An event from its bytes, after checking that the effects are those that the entry binds. */
function readEvent(bytes: Uint8Array, effectBytes: Uint8Array | null): ChainEvent {
  try {
    const entry = decodeEntry(bytes)
    if (effectBytes && !blake3(effectBytes).equals(entry.effectsHash)) {
      throw new SwarmError('RPC_PROTOCOL', 'These are not the effects that the entry binds')
    }
    const effects = effectBytes && decode(effectsType, effectBytes)
    return { seq: entry.seq, at: entry.at, operation: decodeOperation(entry.operation, true), effects, entry }
  } catch (error) {
    throw new SwarmError('RPC_PROTOCOL', 'The chain sent an entry that does not hold', { cause: error })
  }
}
