import { blake3, hash } from '../crypto/hash.js'
import { ChainError } from '../errors.js'
import { decode, encode } from '../protocol/codec.js'
import { effectsType, type Effect } from '../protocol/effects.js'
import { roleNames, type Operation, type RoleName } from '../protocol/operations.js'
import { parametersType, type Parameters } from '../protocol/parameters.js'
import { entryHash } from '../protocol/receipt.js'
import { addAnchor } from './anchors.js'
import { backedBytes } from './rules/economics.js'
import type { FailedDeliveries } from './rules/deliveries.js'
import { isPauseNear, type Pause } from './rules/pause.js'
import { DRIFT_MS, newReputation, reputationPpm, type Reputation } from './rules/reputation.js'
import { Urn } from './rules/lots.js'
import { roundAt } from './rules/time.js'
import { copyWeight, QUALITY_FIRST, QUALITY_MAX, stakeWeight, trustOf } from './rules/weights.js'
import type { Database, Row } from './database.js'
import { ModulusShapes } from './modulus-shapes.js'

/** Version of the rules in this code; entries carry the version that applied to them. */
export const RULES_VERSION = 1

/** Kinds of accounts; the first four are one account each, with these numbers as their ids plus one. */
export const accountKinds = {
  issued: 0,
  minted: 1,
  burned: 2,
  reserved: 3,
  wallet: 4,
  hypercore: 5,
  deposit: 6
} as const
export const ISSUED = 1
export const MINTED = 2
export const BURNED = 3
export const RESERVED = 4

/** Cached rows beyond which a batch starts with empty caches. */
const CACHE_MAX = 20_000

export interface Account {
  id: number
  kind: number
  key: Buffer
  balance: bigint
  nonce: number
}

export interface Role {
  id: number
  wallet: number
  role: RoleName
  state: 0 | 1 | 2
  capacity: number
  used: number
  account: number
  /** Wallet that its rewards and its deposit go to. */
  payout: number
  locked: bigint
  /** Round of its registration; `aged` once it may be drawn. */
  round: number
  aged: boolean
  /** Pinner: storage; signer: delivery; verifier: reporting. */
  main: Reputation
  /** Pinner only: retrieval. */
  retrieval: Reputation
  /** Pinner only: how well it serves, as verifiers measure it, in 1/1024. */
  quality: number
  refundClock: number | null
  /** When its reputations drift again. */
  driftClock: number
  /** Chain time before which it is not drawn, since it was convicted. */
  barredUntil: number | null
  /** Deliveries that came to nothing: what the next one costs. */
  failed: FailedDeliveries
  /** Pinner: since when nothing was heard of it while it was asked; null while it is there. */
  awaySince: number | null
  /** … when it was last asked in vain, … */
  awayAt: number | null
  /** … and when that is looked at. */
  awayDue: number | null
  /** Epoch in which it was heard of again. */
  backEpoch: number
  /** Copies of which less is locked than should be. */
  short: number
  /** Pinner: its last pause, announced, going on or over; … */
  pause: Pause | null
  /** … and the epoch in which that is looked at: the one before it begins, then the one after it; null: it is over. */
  pauseDue: number | null
  /** What draws see of it: as it was when the present draws were frozen, less what they have given it since. */
  frozen: Frozen
  /** It would weigh something else if it were frozen now. */
  stale: boolean
}

/** What a role brings to a draw. */
export interface Frozen {
  weight: number
  roomBytes: number
  backing: bigint
  trust: number
}

/** The one row of table `head`. */
export interface Head {
  length: number
  hash: Uint8Array
  at: number
  clock: number
  /** Chain time up to which all that came is on the log: deadlines before it are over. */
  heard: number
  /** Chain time of the last tick. */
  tickClock: number
  /** Last round whose value was shown. */
  round: number
  /** A round, and chain time at which it began: later ones are counted from there. */
  baseRound: number
  baseClock: number
  beacon: Uint8Array
  onionLeft: number
  onionLength: number
  nextOnion: Uint8Array | null
  epoch: number
  /** Round whose value draws the tasks that are frozen; null while none are. */
  drawRound: number | null
  /** Turn of the task that was frozen last. */
  turn: number
  nextCopy: number
  nextTask: number
  nextDraw: number
  nextChallenge: number
}

/** What `run` appended to the log. */
export interface Appended {
  seq: number
  hash: Uint8Array
  effectsHash: Buffer
}

/** Who wants to see how each draw came about: the audit, `verify-draw` and the dashboard. */
export interface DrawObserver {
  draw?(of: {
    draw: number
    task: number
    role: RoleName
    seed: Uint8Array
    total: number
    excluded: Buffer[]
    /** Numbers of the excluded, and all weights as `Urn.pairs` gives them: only while this is called. */
    out: readonly number[]
    weights: () => Uint32Array
  }): void
  /** One whom a lot fell on, with its number, in order; the first who fits is drawn. */
  lot?(of: { candidate: number; key: Buffer; frozen: Frozen; fits: boolean }): void
}

/**
 * The state as one operation sees and changes it. Rows of accounts and roles are kept in memory while an operation
 * runs and written once at its end; so are postings, one a changed account.
 */
export class State {
  readonly db: Database
  readonly chainId: Uint8Array
  readonly chainKey: Buffer
  head: Head
  parameters: Parameters
  observer: DrawObserver | null = null
  /** When the running operation came (for what nobody owed: now), and how much chain time went by since the entry before. */
  moment = { arrived: 0, sinceMs: 0 }
  /** What is known of moduli: no part of the state, since it follows from them. */
  readonly shapes = new ModulusShapes()
  /** In a replay, which only compares: no rows for entries, details and effects. */
  lean = false
  /** What the running operation did so far. */
  #effects: Effect[] = []
  #changes = new Map<number, bigint>()
  #touched = new Set<Account>()
  #touchedRoles = new Set<Role>()
  #ratedRoles = new Set<Role>()
  #tallies = new Map<number, number>()
  #accounts = new Map<number, Account>()
  #byKey = new Map<string, Account>()
  #roles = new Map<number, Role>()
  #walletRoles = new Map<number, Role>()
  #urns = new Map<RoleName, Urn>()
  #parametersChanged = false

  constructor(db: Database, chainId: Uint8Array, chainKey: Buffer) {
    this.db = db
    this.chainId = chainId
    this.chainKey = chainKey
    this.head = emptyHead()
    this.parameters = undefined as unknown as Parameters
  }

  /** Reads head and parameters; false for a ledger without genesis. */
  load(): boolean {
    const row = this.db.get('SELECT * FROM head')
    if (!row) return false
    this.parameters = decode(parametersType, row.parameters as Buffer)
    this.head = headOf(row)
    return true
  }

  /** The round that has begun, which is the last one shown or a later one. */
  get round(): number {
    return roundAt(this.head.clock, this.head, this.parameters)
  }

  setParameters(parameters: Parameters): void {
    this.parameters = parameters
    this.#parametersChanged = true
  }

  /** Before a batch: bounds the caches. */
  beginBatch(): void {
    if (this.#accounts.size + this.#roles.size > CACHE_MAX) this.#forget()
  }

  /** After the last operation of a batch, inside its transaction. */
  endBatch(): void {
    const h = this.head
    this.db.run(
      `UPDATE head SET length = ?, hash = ?, at = ?, clock = ?, heard = ?, tick_clock = ?, round = ?, base_round = ?, base_clock = ?, beacon = ?, onion_left = ?, onion_length = ?,
       next_onion = ?, epoch = ?, draw_round = ?, turn = ?, next_copy = ?, next_task = ?, next_draw = ?, next_challenge = ?`,
      h.length,
      h.hash,
      h.at,
      h.clock,
      h.heard,
      h.tickClock,
      h.round,
      h.baseRound,
      h.baseClock,
      h.beacon,
      h.onionLeft,
      h.onionLength,
      h.nextOnion,
      h.epoch,
      h.drawRound,
      h.turn,
      h.nextCopy,
      h.nextTask,
      h.nextDraw,
      h.nextChallenge
    )
    if (this.#parametersChanged) {
      this.db.run('UPDATE head SET parameters = ?', encode(parametersType, this.parameters))
      this.#parametersChanged = false
    }
  }

  /**
   * Applies one operation and appends its entry; an error leaves everything as it was and passes on.
   *
   * @param arrived when it came, as its entry says. @param apply is to have chain time go on first
   */
  run(operation: Operation, operationHash: Uint8Array, arrived: number | null, apply: () => void): Appended {
    const before = { ...this.head }
    const parameters = this.parameters
    // A replay ends with the first operation that is refused: it has nothing to go back for.
    if (!this.lean) this.db.run('SAVEPOINT operation')
    try {
      apply()
      const done = this.#append(operation, operationHash, arrived)
      if (!this.lean) this.db.run('RELEASE operation')
      return done
    } catch (error) {
      // On a full disk SQLite has undone the whole batch already.
      if (!this.lean && this.db.raw.inTransaction) {
        this.db.run('ROLLBACK TO operation')
        this.db.run('RELEASE operation')
      }
      this.head = before
      this.parameters = parameters
      this.#forget()
      throw error
    }
  }

  /** After a batch that failed as a whole: the state as it was before it. */
  restore(head: Head, parameters: Parameters): void {
    this.head = head
    this.parameters = parameters
    this.#parametersChanged = false
    this.#forget()
  }

  #append(operation: Operation, operationHash: Uint8Array, arrived: number | null): Appended {
    const { head } = this
    const seq = head.length
    const postings = [...this.#changes].filter(([, change]) => change !== 0n).sort(([a], [b]) => a - b)
    const effects = encode(effectsType, {
      effects: this.#effects,
      postings: postings.map(([account, change]) => ({ account, change }))
    })
    const effectsHash = blake3(effects)
    const next = entryHash({
      previous: head.hash,
      seq,
      at: head.at,
      clock: head.clock,
      arrived,
      rulesVersion: RULES_VERSION,
      operation: operationHash,
      effects: effectsHash
    })
    if (!this.lean) {
      this.db.run(
        'INSERT INTO entries (seq, at, clock, arrived, rules, operation, effects_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        seq,
        head.at,
        head.clock,
        arrived,
        RULES_VERSION,
        operation.core,
        effectsHash,
        next
      )
      if (operation.detail) {
        this.db.run('INSERT INTO details (seq, bytes) VALUES (?, ?)', seq, operation.detail)
      }
      this.db.run('INSERT INTO effects (seq, bytes) VALUES (?, ?)', seq, effects)
    }
    for (const account of this.#touched) {
      this.db.run(
        'UPDATE accounts SET balance = ?, nonce = ? WHERE id = ?',
        account.balance,
        account.nonce,
        account.id
      )
    }
    let sum = 0n
    for (const [account, change] of postings) {
      sum += change
      this.db.run('INSERT INTO postings (seq, account, change) VALUES (?, ?, ?)', seq, account, change)
    }
    if (sum !== 0n) throw new Error(`postings of entry ${seq} sum to ${sum}`)
    for (const changed of [this.#touchedRoles, this.#ratedRoles]) {
      for (const role of changed) this.#checkStale(role)
    }
    for (const role of this.#touchedRoles) this.#writeRole(role)
    for (const role of this.#ratedRoles) {
      if (!this.#touchedRoles.has(role)) this.#writeReputation(role)
    }
    for (const [slot, count] of this.#tallies) {
      this.db.run(
        'INSERT INTO tallies (kind, outcome, count) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
        slot >> 8,
        slot & 255,
        count
      )
    }
    head.length = seq + 1
    head.hash = next
    addAnchor(this, seq, next)
    this.#clear()
    return { seq, hash: next, effectsHash }
  }

  #clear(): void {
    this.#effects = []
    this.#changes.clear()
    this.#touched.clear()
    this.#touchedRoles.clear()
    this.#ratedRoles.clear()
    this.#tallies.clear()
  }

  #forget(): void {
    this.#clear()
    this.#accounts.clear()
    this.#byKey.clear()
    this.#roles.clear()
    this.#walletRoles.clear()
    this.#urns.clear()
  }

  emit(effect: Effect): void {
    this.#effects.push(effect)
  }

  tally(kind: 0 | 1, outcome: number): void {
    const slot = (kind << 8) | outcome
    this.#tallies.set(slot, (this.#tallies.get(slot) ?? 0) + 1)
  }

  // Accounts

  account(id: number): Account {
    const known = this.#accounts.get(id)
    if (known) return known
    const row = this.db.get('SELECT id, kind, key, balance, nonce FROM accounts WHERE id = ?', id)
    if (!row) throw new Error(`no account ${id}`)
    return this.#keep(row)
  }

  /** The account of a kind and key, or undefined. */
  find(kind: number, key: Uint8Array): Account | undefined {
    const known = this.#byKey.get(nameOf(kind, key))
    if (known) return known
    const row = this.db.get(
      'SELECT id, kind, key, balance, nonce FROM accounts WHERE kind = ? AND key = ?',
      kind,
      asBuffer(key)
    )
    return row && this.#keep(row)
  }

  /** The account of a kind and key, opened if there is none. */
  open(kind: number, key: Uint8Array): Account {
    const known = this.find(kind, key)
    if (known) return known
    const row = this.db.get(
      'INSERT INTO accounts (kind, key) VALUES (?, ?) RETURNING id, kind, key, balance, nonce',
      kind,
      asBuffer(key)
    )
    return this.#keep(row!)
  }

  wallet(key: Uint8Array): Account | undefined {
    return this.find(accountKinds.wallet, key)
  }

  /**
   * Gives a wallet another key, and its deposits. The old key has a new account, whose nonce goes on, so that nothing that it signed is taken again.
   */
  replaceKey(wallet: Account, key: Uint8Array): void {
    const old = wallet.key
    for (const [code, name] of roleNames.entries()) {
      const role = this.roleOf(wallet, name)
      if (role) this.#rename(this.account(role.account), Buffer.concat([Buffer.of(code), key]))
    }
    this.#rename(wallet, Buffer.from(key))
    const former = this.open(accountKinds.wallet, old)
    former.nonce = wallet.nonce
    this.#touched.add(former)
  }

  #rename(account: Account, key: Buffer): void {
    this.db.run('UPDATE accounts SET key = ? WHERE id = ?', key, account.id)
    this.#byKey.delete(nameOf(account.kind, account.key))
    account.key = key
    this.#byKey.set(nameOf(account.kind, key), account)
  }

  #keep(row: Row): Account {
    const account: Account = {
      id: Number(row.id),
      kind: Number(row.kind),
      key: row.key as Buffer,
      balance: row.balance as bigint,
      nonce: Number(row.nonce)
    }
    this.#accounts.set(account.id, account)
    this.#byKey.set(nameOf(account.kind, account.key), account)
    return account
  }

  /** Marks the sender's nonce as used. */
  useNonce(account: Account): void {
    account.nonce++
    this.#touched.add(account)
  }

  /**
   * Moves grains; the only way that balances change.
   *
   * @throws ChainError `BALANCE_TOO_LOW` if `from` has less, and is not one of the two that create
   */
  move(from: Account, to: Account, amount: bigint): void {
    if (amount === 0n) return
    if (amount < 0n) throw new Error(`cannot move ${amount}`)
    if (from.kind > accountKinds.minted && from.balance < amount) {
      throw new ChainError('BALANCE_TOO_LOW', `the balance is ${from.balance} grains, needed are ${amount}`)
    }
    from.balance -= amount
    to.balance += amount
    this.#changes.set(from.id, (this.#changes.get(from.id) ?? 0n) - amount)
    this.#changes.set(to.id, (this.#changes.get(to.id) ?? 0n) + amount)
    this.#touched.add(from)
    this.#touched.add(to)
  }

  /** Burns of a hypercore's balance what is minted to a wallet. */
  reward(from: Account, to: Account, amount: bigint): void {
    this.move(from, this.account(BURNED), amount)
    this.move(this.account(MINTED), to, amount)
  }

  // Roles

  role(id: number): Role {
    const known = this.#roles.get(id)
    if (known) return known
    const row = this.db.get('SELECT * FROM roles WHERE id = ?', id)
    if (!row) throw new Error(`no role ${id}`)
    return this.#keepRole(row)
  }

  roleOf(wallet: Account, role: RoleName): Role | undefined {
    const code = roleNames.indexOf(role)
    const known = this.#walletRoles.get(wallet.id * 4 + code)
    if (known) return known
    const row = this.db.get('SELECT * FROM roles WHERE wallet = ? AND role = ?', wallet.id, code)
    return row && this.#keepRole(row)
  }

  addRole(wallet: Account, role: RoleName, capacity: number): Role {
    const code = roleNames.indexOf(role)
    const account = this.open(accountKinds.deposit, Buffer.concat([Buffer.of(code), wallet.key]))
    const first = newReputation()
    const row = this.db.get(
      `INSERT INTO roles (wallet, role, state, capacity, account, payout, round, alpha, beta, alpha2, beta2, quality,
       drift_clock) VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`,
      wallet.id,
      code,
      capacity,
      account.id,
      wallet.id,
      this.round,
      first.alpha,
      first.beta,
      first.alpha,
      first.beta,
      role === 'pinner' ? QUALITY_FIRST : QUALITY_MAX,
      this.head.clock + DRIFT_MS
    )
    return this.#keepRole(row!)
  }

  #keepRole(row: Row): Role {
    const role = roleFrom(row)
    this.#roles.set(role.id, role)
    this.#walletRoles.set(role.wallet * 4 + roleNames.indexOf(role.role), role)
    return role
  }

  /** Says that a role was changed; it is written at the operation's end. */
  touch(role: Role): void {
    this.#touchedRoles.add(role)
  }

  /** Says that nothing but a role's reputation was changed: much cheaper to write, since no index holds it. */
  rated(role: Role): void {
    this.#ratedRoles.add(role)
  }

  /** What a role would bring to a draw that was frozen now. */
  #fresh(role: Role): Frozen {
    const ppm = effectivePpm(role)
    const deposit = this.account(role.account).balance
    const backing = deposit > role.locked ? deposit - role.locked : 0n
    const roomBytes = Math.max(0, role.capacity - role.used)
    const trust = trustOf(ppm, role.quality)
    const isThere = role.awaySince === null && role.short === 0 && !isPauseNear(role.pause, this.head.epoch)
    const free = role.state === 0 && role.aged && role.barredUntil === null && isThere
    const drawable = free && ppm >= this.parameters.noNewCopiesPpm
    if (!drawable) return { weight: 0, roomBytes, backing, trust }
    const weight =
      role.role === 'verifier' ? stakeWeight(deposit, trust) : this.weightOf(roomBytes, backing, trust)
    return { weight, roomBytes, backing, trust }
  }

  /** Weight in a draw of copies. */
  weightOf(roomBytes: number, backing: bigint, trust: number): number {
    return copyWeight({ roomBytes, backedBytes: backedBytes(backing, this.parameters), trust })
  }

  #checkStale(role: Role): void {
    if (role.stale) return
    const { weight, roomBytes, backing, trust } = this.#fresh(role)
    const { frozen } = role
    // Who weighs nothing is not looked at, whatever else it has.
    if (weight === 0 && frozen.weight === 0) return
    role.stale =
      weight !== frozen.weight ||
      roomBytes !== frozen.roomBytes ||
      backing !== frozen.backing ||
      trust !== frozen.trust
    if (role.stale) this.#touchedRoles.add(role)
  }

  /** Candidates of a role, by role numbers, with the weights that are frozen. */
  urn(name: RoleName): Urn {
    let urn = this.#urns.get(name)
    if (!urn) {
      this.#urns.set(name, (urn = new Urn()))
      const rows = this.db.iterate(
        'SELECT id, weight FROM roles WHERE role = ? AND weight > 0',
        roleNames.indexOf(name)
      )
      for (const { id, weight } of rows) urn.set(Number(id), Number(weight))
    }
    return urn
  }

  /** Has draws see a role as it is now. */
  refresh(role: Role): void {
    role.stale = false
    this.freeze(role, this.#fresh(role))
  }

  /** Has draws see a role as it is said here. */
  freeze(role: Role, frozen: Frozen): void {
    role.frozen = frozen
    this.urn(role.role).set(role.id, frozen.weight)
    this.touch(role)
  }

  keyOf(role: Role): Buffer {
    return this.account(role.wallet).key
  }

  #writeReputation(role: Role): void {
    this.db.run(
      'UPDATE roles SET alpha = ?, beta = ?, alpha2 = ?, beta2 = ?, quality = ? WHERE id = ?',
      role.main.alpha,
      role.main.beta,
      role.retrieval.alpha,
      role.retrieval.beta,
      role.quality,
      role.id
    )
  }

  #writeRole(role: Role): void {
    this.db.run(
      `UPDATE roles SET state = ?, payout = ?, capacity = ?, used = ?, locked = ?, round = ?, aged = ?, alpha = ?, beta = ?,
       alpha2 = ?, beta2 = ?, quality = ?, refund_clock = ?, drift_clock = ?, barred_until = ?, failed = ?, failed_until = ?, away_since = ?, away_at = ?, away_due = ?, back_epoch = ?, short = ?, pause_epoch = ?, pause_epochs = ?, pause_due = ?, weight = ?, room = ?, backing = ?, trust = ?, stale = ?
       WHERE id = ?`,
      role.state,
      role.payout,
      role.capacity,
      role.used,
      role.locked,
      role.round,
      role.aged ? 1 : 0,
      role.main.alpha,
      role.main.beta,
      role.retrieval.alpha,
      role.retrieval.beta,
      role.quality,
      role.refundClock,
      role.driftClock,
      role.barredUntil,
      role.failed.count,
      role.failed.until,
      role.awaySince,
      role.awayAt,
      role.awayDue,
      role.backEpoch,
      role.short,
      role.pause?.epoch ?? null,
      role.pause?.epochs ?? null,
      role.pauseDue,
      role.frozen.weight,
      role.frozen.roomBytes,
      role.frozen.backing,
      role.frozen.trust,
      role.stale ? 1 : 0,
      role.id
    )
  }
}

/** What counts for pay and draws: of a pinner the lower of its two reputations. */
export function effectivePpm(role: Role): number {
  const main = reputationPpm(role.main)
  return role.role === 'pinner' ? Math.min(main, reputationPpm(role.retrieval)) : main
}

export function roleFrom(row: Row): Role {
  return {
    id: Number(row.id),
    wallet: Number(row.wallet),
    role: roleNames[Number(row.role)]!,
    state: Number(row.state) as 0 | 1 | 2,
    capacity: Number(row.capacity),
    used: Number(row.used),
    account: Number(row.account),
    payout: Number(row.payout),
    locked: row.locked as bigint,
    round: Number(row.round),
    aged: row.aged === 1n,
    main: { alpha: Number(row.alpha), beta: Number(row.beta) },
    retrieval: { alpha: Number(row.alpha2), beta: Number(row.beta2) },
    quality: Number(row.quality),
    refundClock: row.refund_clock === null ? null : Number(row.refund_clock),
    driftClock: Number(row.drift_clock),
    barredUntil: row.barred_until === null ? null : Number(row.barred_until),
    failed: { count: Number(row.failed), until: Number(row.failed_until) },
    awaySince: row.away_since === null ? null : Number(row.away_since),
    awayAt: row.away_at === null ? null : Number(row.away_at),
    awayDue: row.away_due === null ? null : Number(row.away_due),
    backEpoch: Number(row.back_epoch),
    short: Number(row.short),
    pause:
      row.pause_epoch === null ? null : { epoch: Number(row.pause_epoch), epochs: Number(row.pause_epochs) },
    pauseDue: row.pause_due === null ? null : Number(row.pause_due),
    frozen: {
      weight: Number(row.weight),
      roomBytes: Number(row.room),
      backing: row.backing as bigint,
      trust: Number(row.trust)
    },
    stale: row.stale === 1n
  }
}

function headOf(row: Row): Head {
  return {
    length: Number(row.length),
    hash: row.hash as Buffer,
    at: Number(row.at),
    clock: Number(row.clock),
    heard: Number(row.heard),
    tickClock: Number(row.tick_clock),
    round: Number(row.round),
    baseRound: Number(row.base_round),
    baseClock: Number(row.base_clock),
    beacon: row.beacon as Buffer,
    onionLeft: Number(row.onion_left),
    onionLength: Number(row.onion_length),
    nextOnion: row.next_onion as Buffer | null,
    epoch: Number(row.epoch),
    drawRound: row.draw_round === null ? null : Number(row.draw_round),
    turn: Number(row.turn),
    nextCopy: Number(row.next_copy),
    nextTask: Number(row.next_task),
    nextDraw: Number(row.next_draw),
    nextChallenge: Number(row.next_challenge)
  }
}

function emptyHead(): Head {
  return {
    length: 0,
    hash: hash('datdot/log/1'),
    at: 0,
    clock: 0,
    heard: 0,
    tickClock: 0,
    round: 0,
    baseRound: 0,
    baseClock: 0,
    beacon: Buffer.alloc(32),
    onionLeft: 0,
    onionLength: 0,
    nextOnion: null,
    epoch: 0,
    drawRound: null,
    turn: 0,
    nextCopy: 0,
    nextTask: 0,
    nextDraw: 0,
    nextChallenge: 0
  }
}

function nameOf(kind: number, key: Uint8Array): string {
  return `${kind}${asBuffer(key).toString('latin1')}`
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
