import { ChainError, InputError } from '../errors.js'
import { equal } from '../bytes.js'
import type { KeyPair } from '../crypto/keys.js'
import { anchorAt, NO_ANCHOR } from '../protocol/anchor.js'
import { decode } from '../protocol/codec.js'
import { effectsType, type Effects } from '../protocol/effects.js'
import { decodeEntry } from '../protocol/entry.js'
import {
  chainIdOf,
  owedKinds,
  decodeOperation,
  NO_CHAIN,
  operationHash,
  signOperation,
  unsignedBytes,
  verifyOperation,
  type Operation,
  type Outcome,
  type Statement
} from '../protocol/operations.js'
import type { Parameters } from '../protocol/parameters.js'
import { signReceipt } from '../protocol/receipt.js'
import type { ChainView, Receipt } from '../protocol/views.js'
import { apply } from './apply/apply.js'
import { ChecksAhead } from './checks-ahead.js'
import { Database } from './database.js'
import { entriesFrom, entryBytes } from './entries.js'
import { Answering, type Queried } from './queries.js'
import { unitsOf } from './rules/cost.js'
import { screen } from './screen.js'
import { TickPace } from './tick-pace.js'
import { compactLedger } from './compact.js'
import { dateRange, LAYERS_MAX, roundAt } from './rules/time.js'
import { holdsIn, modulusOf, shapeIn } from './signature-checks.js'
import { RULES_VERSION, State } from './state.js'
import { hashState } from './state-hash.js'
import {
  NOT_VERIFIED,
  type ArrivalTimes,
  type EntryView,
  type GenesisOptions,
  type LedgerOptions,
  type LoggedEvent,
  type OpeningItem,
  type Screened,
  type SubmitResult,
  type SyncLedger,
  type TickResult,
  type TickTime
} from './types.js'

/** Copies whose checks are worked out ahead at a time. */
const CHECKS_AHEAD = 200
/** How long one compaction may take unless it is told otherwise. */
const COMPACT_MS = 20
const ENTRIES_PAGE_MAX = 10_000
/** What `checkWires` would say of an operation that was just signed here. */
const OWN = 1

/** What became of one operation, what a tick did, and what the operation cost. */
interface Submitted {
  result: Omit<Receipt, 'signature'> | ChainError
  work: number
  units: number
}

/** The ledger of a chain (see SyncLedger). One process opens a file for writing at a time. */
export class Ledger extends Answering implements SyncLedger {
  readonly chainId: Uint8Array
  readonly chainKey: Buffer
  /** For the audit and for benchmarks: the state that operations change. */
  readonly state: State
  readonly #db: Database
  readonly #options: LedgerOptions
  readonly #name: string
  readonly #ahead: ChecksAhead | null
  readonly #pace = new TickPace()
  /** Chain time, and time of the process, when this was opened. */
  #began: { clock: number; now: number }

  private constructor(db: Database, options: LedgerOptions, genesis: Operation & { kind: 'genesis' }) {
    super()
    this.#db = db
    this.#options = options
    this.chainId = chainIdOf(genesis)
    this.chainKey = Buffer.from(genesis.sender)
    this.#name = genesis.body.name
    this.state = new State(db, this.chainId, this.chainKey)
    this.state.observer = options.observer ?? null
    this.#began = { clock: 0, now: options.clock.now() }
    this.#ahead = options.beacon ? new ChecksAhead(this.state, options.beacon) : null
  }

  /**
   * Opens a ledger, or makes one where there is none and `genesis` is given.
   *
   * @throws InputError `LEDGER_NOT_FOUND`, `LEDGER_NOT_A_LEDGER`, `LEDGER_TOO_NEW`, `LEDGER_FOREIGN`, `BEACON_FOREIGN`
   */
  static open(options: LedgerOptions & { readonly?: boolean }): Ledger {
    const db = new Database(options.path, {
      readonly: options.readonly ?? false,
      durable: options.durable ?? true
    })
    try {
      const first = db.get('SELECT operation FROM entries WHERE seq = 0')
      const { genesis, keyPair } = options
      if (!first && !genesis) throw new InputError('LEDGER_NOT_FOUND', `${options.path} holds no ledger yet`)
      if (!first && !keyPair) throw new ChainError('KEY_MISSING', 'a genesis needs the key of its chain')
      const wire = first
        ? (first.operation as Buffer)
        : signGenesis(genesis!, keyPair!, Math.floor(options.clock.wall()))
      const operation = decodeOperation(wire, true) as Operation & { kind: 'genesis' }
      if (keyPair && !keyPair.publicKey.equals(operation.sender)) {
        throw new InputError('LEDGER_FOREIGN', `${options.path} belongs to another chain`)
      }
      checkBeacon(options, operation)
      const ledger = new Ledger(db, options, operation)
      if (first) {
        ledger.state.load()
        ledger.#began.clock = ledger.state.head.clock
      } else {
        const [result] = ledger.submit([wire])
        if (!result!.ok) throw result!.error
      }
      return ledger
    } catch (error) {
      db.close()
      throw error
    }
  }

  submit(wires: readonly Uint8Array[], verified?: Uint8Array, when: ArrivalTimes = {}): SubmitResult[] {
    const { clock } = this.#options
    const { budgetMs = Infinity } = when
    const now = this.#clockOf(when)
    const pending: Submitted[] = []
    this.#write(() => {
      const until = budgetMs === Infinity ? Infinity : clock.now() + budgetMs
      for (const [index, wire] of wires.entries()) {
        const flag = verified?.[index] ?? NOT_VERIFIED
        const arrived = Math.min(now, when.arrived?.[index] ?? now)
        pending.push(this.#submitOne(wire, flag === NOT_VERIFIED ? undefined : flag, { clock: now, arrived }))
        if (until !== Infinity && clock.now() >= until) break
      }
    })
    // Receipts only now: the transaction is on disk.
    return pending.map(({ result, units }) =>
      result instanceof ChainError
        ? { ok: false, error: result }
        : { ok: true, receipt: this.#receipt(result), units }
    )
  }

  screen(wires: readonly Uint8Array[], origins: readonly number[] = []): Screened[] {
    return screen(this.state, wires, origins)
  }

  /** Chain time of what a call appends. It never falls, whatever the caller says. */
  #clockOf({ now }: { now?: number | undefined }): number {
    const { time, clock } = this.#options
    const own = (): number => this.#began.clock + clock.now() - this.#began.now
    return Math.max(this.state.head.clock, Math.floor(now ?? time?.() ?? own()))
  }

  /** Runs a batch in one transaction; the state in memory follows the file whatever happens. */
  #write(work: () => void): void {
    const { state } = this
    const before = { head: { ...state.head }, parameters: state.parameters }
    state.beginBatch()
    try {
      this.#db.transaction(() => {
        work()
        if (state.head.length > before.head.length) state.endBatch()
      })
    } catch (error) {
      state.restore(before.head, before.parameters)
      throw error
    }
  }

  #submitOne(
    wire: Uint8Array,
    check: number | undefined,
    { clock, arrived }: { clock: number; arrived: number }
  ): Submitted {
    let work = 0
    let units = 0
    try {
      const operation = decodeOperation(wire)
      units = operation.kind === 'genesis' ? 0 : unitsOf(operation, this.state.parameters)
      if (!(check === undefined ? verifyOperation(this.chainId, operation) : holdsIn(check))) {
        throw new ChainError('SIGNATURE_WRONG', 'a signature of the operation does not hold')
      }
      const fault = check === undefined ? undefined : shapeIn(check)
      if (fault !== undefined) this.state.shapes.note(modulusOf(operation)!, fault)
      const bound = operation.kind === 'genesis' ? NO_CHAIN : this.chainId
      const signed = operationHash(bound, unsignedBytes(operation))
      const dated = owedKinds.has(operation.kind) || operation.kind === 'tick'
      const moment = { clock: operation.kind === 'genesis' ? 0 : clock, arrived: dated ? arrived : null }
      const { seq, hash } = this.state.run(operation, signed, moment.arrived, () => {
        work = apply(this.state, operation, moment)
      })
      const { at } = this.state.head
      return { result: { seq, operation: signed, entry: hash, at, ...moment }, work, units }
    } catch (error) {
      if (error instanceof ChainError) return { result: error, work, units }
      throw error
    }
  }

  #receipt(of: Omit<Receipt, 'signature'>): Receipt {
    const { keyPair } = this.#options
    return keyPair ? signReceipt(this.chainId, keyPair, of) : { ...of, signature: new Uint8Array(64) }
  }

  #send(
    statement: Statement,
    moment: { clock: number; arrived?: number },
    detail?: Uint8Array
  ): { receipt: Receipt; work: number } {
    const { keyPair } = this.#options
    if (!keyPair) throw new ChainError('KEY_MISSING', 'this ledger was opened without the key of its chain')
    const nonce = this.state.wallet(this.chainKey)!.nonce
    const anchor = anchorAt(this.chain())
    const from = { chainId: this.chainId, keyPair, nonce, anchor, ...(detail && { detail }) }
    const wire = signOperation(statement, from)
    let done: Submitted | undefined
    this.#write(() => {
      done = this.#submitOne(wire, OWN, { arrived: moment.clock, ...moment })
    })
    const { result, work } = done!
    if (result instanceof ChainError) throw result
    return { receipt: this.#receipt(result), work }
  }

  tick(work: number = this.#pace.work, when: TickTime = {}): TickResult {
    const { beacon, clock } = this.#options
    if (!beacon) throw new ChainError('BEACON_MISSING', 'this ledger was opened without its beacon')
    const began = clock.now()
    const now = this.#clockOf(when)
    const { round, begun, left } = this.#nextRound(now)
    const layers = round - this.state.head.round
    const body = {
      at: this.#date(now, when.stalledMs ?? 0),
      stalledMs: when.stalledMs ?? 0,
      round,
      value: layers > 0 ? beacon.value(round) : null,
      // The onion's last layer commits to the next onion.
      nextOnion:
        layers > 0 && layers === left ? beacon.commitment(Math.floor((round - 1) / beacon.length) + 1) : null,
      work
    }
    const heard = Math.max(this.state.head.heard, Math.min(now, when.heard ?? now))
    const sent = this.#send({ kind: 'tick', body }, { clock: now, arrived: heard })
    this.#pace.took(clock.now() - began, sent.work, work)
    this.advanceChecks()
    return {
      receipt: sent.receipt,
      more: sent.work >= work || round < begun,
      busyMs: clock.now() - began,
      chain: this.chain(),
      parameters: this.parameters()
    }
  }

  /** The round whose value is to be shown next, the last that has begun, and the layers that its onion has left. */
  #nextRound(now: number): { round: number; begun: number; left: number } {
    const { head, parameters } = this.state
    const begun = roundAt(now, head, parameters)
    const left = head.onionLeft === 0 ? head.onionLength : head.onionLeft
    return { round: Math.min(begun, head.round + Math.min(left, LAYERS_MAX)), begun, left }
  }

  /** The date that a tick gives: the wall clock's, as near as the rules let it come. */
  #date(now: number, stalledMs: number): number {
    const { head } = this.state
    const sinceMs = now - head.clock
    const passedMs = now - head.tickClock
    const { least, most } = dateRange({ at: head.at + sinceMs, passedMs, sinceMs, stalledMs })
    return Math.min(most, Math.max(least, Math.floor(this.#options.clock.wall())))
  }

  setTime(when: { now?: number } = {}): Receipt {
    const at = Math.floor(this.#options.clock.wall())
    return this.#send({ kind: 'setTime', body: { at } }, { clock: this.#clockOf(when) }).receipt
  }

  advanceChecks(): boolean {
    return this.#ahead?.advance(CHECKS_AHEAD) ?? false
  }

  settle(
    items: readonly { challenge: number; outcome: Outcome }[],
    when: { now?: number } = {}
  ): Receipt | null {
    const open = items
      .filter(
        ({ challenge }) =>
          this.#db.get('SELECT 1 FROM challenges WHERE id = ? AND state = 1', challenge) !== undefined
      )
      .map(({ challenge, outcome }) => ({ challenge, outcome }))
    if (open.length === 0) return null
    return this.#send({ kind: 'settle', body: { items: open } }, { clock: this.#clockOf(when) }).receipt
  }

  settleOpenings(items: readonly OpeningItem[], when: { now?: number } = {}): Receipt | null {
    const clock = this.#clockOf(when)
    const open = items.filter(({ challenge, outcome }) => {
      const row = this.#db.get('SELECT open_by FROM openings WHERE challenge = ? AND state = 1', challenge)
      if (!row || outcome !== 'failure') return row !== undefined
      return row.open_by !== null && Number(row.open_by) < clock
    })
    if (open.length === 0) return null
    return this.#send({ kind: 'settleOpenings', body: { items: open } }, { clock }).receipt
  }

  judge(draw: number, upheld: boolean, when: { now?: number } = {}): Receipt {
    const body = { draw, upheld: upheld ? 1 : 0 }
    return this.#send({ kind: 'judge', body }, { clock: this.#clockOf(when) }).receipt
  }

  changeParameters(parameters: Parameters): Receipt {
    return this.#send({ kind: 'parameters', body: { parameters } }, { clock: this.#clockOf({}) }).receipt
  }

  length(): number {
    return this.state.head.length
  }

  entries(from: number, limit: number): Uint8Array[] {
    return entriesFrom(this.#db, from, Math.min(limit, ENTRIES_PAGE_MAX))
  }

  events(from: number, limit: number, maxBytes: number): LoggedEvent[] {
    const events: LoggedEvent[] = []
    const rows = this.#db.iterate(
      `SELECT e.*, d.bytes AS detail, f.bytes AS effects
       FROM entries e LEFT JOIN details d ON d.seq = e.seq LEFT JOIN effects f ON f.seq = e.seq
       WHERE e.seq >= ? AND e.seq < ? ORDER BY e.seq`,
      from,
      from + Math.min(limit, ENTRIES_PAGE_MAX)
    )
    let bytes = 0
    for (const row of rows) {
      const event = { entry: entryBytes(row), effects: row.effects as Buffer | null }
      bytes += event.entry.byteLength + (event.effects?.byteLength ?? 0)
      if (events.length > 0 && bytes > maxBytes) break
      events.push(event)
    }
    return events
  }

  entry(seq: number): EntryView | null {
    const [bytes] = this.entries(seq, 1)
    if (!bytes) return null
    const entry = decodeEntry(bytes)
    const operation = decodeOperation(entry.operation, true)
    const { at, clock, arrived, hash } = entry
    return { seq, at, clock, arrived, rulesVersion: entry.rules, operation, hash, bytes }
  }

  effects(seq: number): Effects | null {
    const row = this.#db.get('SELECT bytes FROM effects WHERE seq = ?', seq)
    return row ? decode(effectsType, row.bytes as Buffer) : null
  }

  chain(): ChainView {
    const { head } = this.state
    return {
      chainId: this.chainId,
      chainKey: this.chainKey,
      name: this.#name,
      length: head.length,
      head: head.hash,
      at: head.at,
      clock: head.clock,
      epoch: head.epoch,
      round: head.round,
      beacon: head.beacon
    }
  }

  parameters(): Parameters {
    return this.state.parameters
  }

  protected queried(): Queried {
    return { state: this.state, ahead: this.#ahead }
  }

  stateHash(): Buffer {
    return hashState(this.#db)
  }

  compact(budgetMs = COMPACT_MS): { entries: number } {
    const { head, parameters } = this.state
    const { clock } = this.#options
    return compactLedger(this.#db, { before: head.clock - parameters.evidenceWindowMs, budgetMs, clock })
  }

  close(): void {
    this.#db.close()
  }
}

function signGenesis(genesis: GenesisOptions, keyPair: KeyPair, at: number): Uint8Array {
  const { name, parameters, beacon, allocations } = genesis
  const body = {
    name,
    at,
    rulesVersion: RULES_VERSION,
    parameters,
    beacon: { kind: 'onion' as const, ...beacon },
    allocations
  }
  return signOperation({ kind: 'genesis', body }, { chainId: NO_CHAIN, keyPair, nonce: 0, anchor: NO_ANCHOR })
}

/** Who opens a ledger with another beacon would find that out at the first tick, and at every one after it. */
function checkBeacon({ beacon, path }: LedgerOptions, { body }: Operation & { kind: 'genesis' }): void {
  if (!beacon) return
  if (beacon.length === body.beacon.length && equal(beacon.commitment(0), body.beacon.commitment)) return
  throw new InputError(
    'BEACON_FOREIGN',
    `${path} was begun with another beacon; restore its secret from a backup`
  )
}
