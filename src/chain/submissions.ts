import { ChainError, DatdotError, SwarmError } from '../errors.js'
import { isCostly } from '../ledger/signature-checks.js'
import { NOT_VERIFIED, type LedgerApi, type SubmitResult } from '../ledger/types.js'
import { decodeOperation, operationHash, unsignedBytes } from '../protocol/operations.js'
import { turn } from '../wait.js'
import { NONCE_CODE } from '../client/submit-queue.js'
import type { Receipt } from '../protocol/views.js'
import { toHex } from '../bytes.js'
import type { Clock } from '../clock.js'
import { Allowances } from './admission/allowance.js'
import { FairQueue, type Place } from './admission/fair-queue.js'
import { MEMBER_RATES, ratesOf } from './admission/limits.js'
import { RecentReceipts } from './recent-receipts.js'

/** Operations, and bytes of them, that are taken at a time; of strangers' so many beside them. */
const BATCH = 2048
const BATCH_BYTES = 16 << 20
const STRANGERS = 256
/** Operations of one sender that are taken before it is another's turn. */
const TURN = 16
/** How long one transaction may last; what there is no time for waits for the next one. */
const TRANSACTION_MS = 20
/** Bytes of operations that may wait, of all and of one sender. */
const WAITING_BYTES = 128 << 20
const PLACE_BYTES = 24 << 20
/** How long what waits holds deadlines up. */
const HELD_MS = 60_000
/** From this many signatures on they are checked on other threads. */
const ELSEWHERE = 32

/** Checks operations on other threads: one byte an operation, as `checkWires` gives. */
export type SignatureCheck = (wires: readonly Uint8Array[]) => Promise<Uint8Array>

/** What a request is taken with. */
export interface Submitted {
  /** They may have been applied already: then they get the receipt that their sender missed. */
  again?: boolean
  /** Whose turn they wait for. */
  place?: Place
  /** Chain time when they came, which is what deadlines are held against. */
  arrived?: number
}

interface Request {
  again: boolean
  arrived: number
  place: Place
  results: SubmitResult[]
  left: number
  /** The ledger could not do one of its operations: the others are not tried. */
  failed: boolean
  resolve: (results: SubmitResult[]) => void
  reject: (error: unknown) => void
}

interface Item {
  request: Request
  index: number
  wire: Uint8Array
  /** What `checkWires` says of it, once that was done on another thread. */
  verified: number
  done: boolean
}

const OWN: Place = { key: '', standing: 'member' }

export interface SubmissionPorts {
  ledger: Pick<LedgerApi, 'submit' | 'screen' | 'chainId'>
  clock: Pick<Clock, 'now'>
  /** Chain time now. */
  time: () => number
  /** Is told when the log has grown, and to what length. */
  onCommit: (length: number) => void
  check?: SignatureCheck | undefined
  /** Receipts of what an earlier process committed last, and may not have been able to answer. */
  recent?: Iterable<Receipt>
}

/**
 * Operations on their way into the ledger. What arrives together is applied in one transaction, so that one flush to disk serves many
 * senders; but a few of each in turn, for a bounded time, and only those that may hold: who has no account, or another nonce, is refused
 * before a signature is looked at.
 */
export class Submissions {
  readonly #ports: SubmissionPorts
  /** So that the same bytes sent twice get the same receipt. */
  readonly #receipts = new RecentReceipts()
  readonly #queue = new FairQueue<Item>()
  /** Bytes that wait, of each place and of all. */
  readonly #bytes = new Map<string, number>()
  #waitingBytes = 0
  readonly #places: Allowances
  readonly #accounts: Allowances
  /** Those that are not answered, oldest first. */
  readonly #open = new Set<Request>()
  /** Chain time that deadlines were last held against. */
  #heard = 0
  #running: Promise<void> | null = null
  #closed = false

  constructor(ports: SubmissionPorts) {
    this.#ports = ports
    this.#places = new Allowances(ports.clock)
    this.#accounts = new Allowances(ports.clock)
    for (const receipt of ports.recent ?? []) this.#receipts.add(receipt)
  }

  /**
   * Applies operations in order, once it is their turn.
   *
   * @throws ChainError `CHAIN_BUSY` if too much waits already; SwarmError `RPC_RATE` if their sender has had its share for now,
   *   `RPC_CLOSED` once this was closed
   */
  add(
    wires: readonly Uint8Array[],
    { again = false, place = OWN, arrived = this.#ports.time() }: Submitted = {}
  ): Promise<SubmitResult[]> {
    if (this.#closed) throw new SwarmError('RPC_CLOSED', 'The chain is closing')
    if (wires.length === 0) return Promise.resolve([])
    const rates = ratesOf(place.standing)
    const spent = place !== OWN && !this.#places.isOpen(place.key, rates)
    if (spent || sendersOf(wires).some((sender) => !this.#accounts.isOpen(sender, MEMBER_RATES))) {
      throw new SwarmError('RPC_RATE', 'This sender has had its share of the chain for now: wait a second')
    }
    const bytes = sizeOf(wires)
    const own = this.#bytes.get(place.key) ?? 0
    if (this.#waitingBytes + bytes > WAITING_BYTES || own + bytes > PLACE_BYTES) {
      throw new ChainError('CHAIN_BUSY', 'The chain has more operations waiting than it can hold: try again')
    }
    if (place !== OWN) this.#places.charge(place.key, rates, { operations: wires.length, bytes, units: 0 })
    return new Promise((resolve, reject) => {
      const request: Request = {
        again,
        arrived,
        place,
        results: [],
        left: wires.length,
        failed: false,
        resolve,
        reject
      }
      this.#open.add(request)
      for (const [index, wire] of wires.entries())
        this.#queue.put(place, { request, index, wire, verified: NOT_VERIFIED, done: false })
      this.#count(place, bytes)
      this.#running ??= this.#run().finally(() => (this.#running = null))
    })
  }

  /**
   * Chain time up to which all that came has been applied: that of what has waited longest, or `now`. Who sends so much that it waits for
   * longer than `HELD_MS` holds no deadline up any more.
   */
  heard(now: number): number {
    const [oldest] = this.#open
    return (this.#heard = Math.max(this.#heard, Math.min(now, oldest?.arrived ?? now), now - HELD_MS))
  }

  /** Takes nothing more, and waits for what has been added. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    while (this.#queue.size > 0) {
      // One turn of the event loop: all that arrived in it may go into one transaction.
      await turn()
      const batch = this.#take()
      try {
        await this.#apply(await this.#screen(batch))
      } catch (error) {
        for (const item of batch) if (!item.done) this.#fail(item, error)
      }
    }
  }

  /** Refuses what cannot hold whatever was signed; returns the rest. */
  async #screen(taken: readonly Item[]): Promise<Item[]> {
    const batch = taken.filter(({ request }) => !request.failed)
    for (const item of taken) if (item.request.failed) this.#count(item.request.place, -item.wire.byteLength)
    const origins = new Map<string, number>()
    for (const { request } of batch)
      origins.set(request.place.key, origins.get(request.place.key) ?? origins.size)
    const screened = await this.#ports.ledger.screen(
      batch.map(({ wire }) => wire),
      batch.map(({ request }) => origins.get(request.place.key)!)
    )
    const left: Item[] = []
    for (const [i, item] of batch.entries()) {
      const { error, units } = screened[i]!
      const { place } = item.request
      if (place !== OWN && item.verified === NOT_VERIFIED) {
        this.#places.charge(place.key, ratesOf(place.standing), { operations: 0, bytes: 0, units })
      }
      if (error) this.#done(item, { ok: false, error })
      else left.push(item)
    }
    return left
  }

  async #apply(batch: readonly Item[]): Promise<void> {
    if (batch.length === 0) return
    const { ledger, check, onCommit, time } = this.#ports
    const unchecked = batch.filter(({ verified }) => verified === NOT_VERIFIED)
    if (check && (unchecked.length >= ELSEWHERE || unchecked.some(({ wire }) => isCostly(wire)))) {
      const flags = await check(unchecked.map(({ wire }) => wire))
      for (const [i, item] of unchecked.entries()) item.verified = flags[i]!
    }
    const wires = batch.map(({ wire }) => wire)
    const verified = Uint8Array.from(batch, ({ verified }) => verified)
    const arrived = batch.map(({ request }) => Math.max(this.#heard, request.arrived))
    const results = await ledger.submit(wires, verified, { now: time(), arrived, budgetMs: TRANSACTION_MS })
    for (const [i, result] of results.entries()) this.#done(batch[i]!, result)
    this.#putBack(batch.slice(results.length))
    const last = results.findLast(({ ok }) => ok)
    if (last?.ok) onCommit(last.receipt.seq + 1)
  }

  /** Some of each sender in turn. */
  #take(): Item[] {
    const batch: Item[] = []
    let bytes = 0
    const fits = ({ wire }: Item): boolean => {
      if (batch.length > 0 && bytes + wire.byteLength > BATCH_BYTES) return false
      bytes += wire.byteLength
      return true
    }
    for (const [standing, most] of [
      ['member', BATCH],
      ['stranger', STRANGERS]
    ] as const) {
      const until = batch.length + most
      for (;;) {
        const taken = this.#queue.take(standing, Math.min(TURN, until - batch.length), fits)
        if (taken.length === 0) break
        batch.push(...taken)
      }
    }
    return batch
  }

  /** What there was no time for goes first when it is its senders' turn again. */
  #putBack(items: readonly Item[]): void {
    const byPlace = new Map<Place, Item[]>()
    for (const item of items) {
      const { place } = item.request
      const those = byPlace.get(place)
      if (those) those.push(item)
      else byPlace.set(place, [item])
    }
    for (const [place, those] of [...byPlace].reverse()) this.#queue.putBack(place, those)
  }

  #fail(item: Item, error: unknown): void {
    const { request, wire } = item
    item.done = true
    this.#count(request.place, -wire.byteLength)
    request.failed = true
    this.#open.delete(request)
    request.reject(error)
  }

  #done(item: Item, result: SubmitResult): void {
    const { request, index, wire } = item
    item.done = true
    this.#count(request.place, -wire.byteLength)
    if (result.ok) {
      const cost = { operations: 1, bytes: wire.byteLength, units: result.units }
      this.#accounts.charge(senderOf(wire), MEMBER_RATES, cost)
    }
    request.results[index] = this.#remember(wire, request.again, result)
    if (--request.left > 0) return
    this.#open.delete(request)
    request.resolve(request.results)
  }

  #count({ key }: Place, bytes: number): void {
    this.#waitingBytes += bytes
    const own = (this.#bytes.get(key) ?? 0) + bytes
    if (own > 0) this.#bytes.set(key, own)
    else this.#bytes.delete(key)
  }

  /** A sender that lost its connection sends the same bytes again, and gets the receipt it missed. */
  #remember(wire: Uint8Array, again: boolean, result: SubmitResult): SubmitResult {
    if (result.ok) {
      this.#receipts.add(result.receipt)
      return result
    }
    if (!again || result.error.code !== NONCE_CODE) return result
    const hash = hashOf(this.#ports.ledger.chainId, wire)
    const receipt = hash && this.#receipts.find(hash)
    return receipt ? { ok: true, receipt, units: 0 } : result
  }
}

function hashOf(chainId: Uint8Array, wire: Uint8Array): Uint8Array | undefined {
  try {
    return operationHash(chainId, unsignedBytes(decodeOperation(wire)))
  } catch (error) {
    if (error instanceof DatdotError) return undefined
    throw error
  }
}

function sizeOf(wires: readonly Uint8Array[]): number {
  return wires.reduce((sum, wire) => sum + wire.byteLength, 0)
}

/** The key that an operation says it is from: its bytes after the version. */
function senderOf(wire: Uint8Array): string {
  return toHex(wire.subarray(1, 33))
}

function sendersOf(wires: readonly Uint8Array[]): string[] {
  return [...new Set(wires.map(senderOf))]
}
