import type BetterSqlite3 from 'better-sqlite3'
import type { Clock } from '../../clock.js'
import { DatdotError, InputError, type ErrorCode } from '../../errors.js'
import type { ApiKey } from './api-keys.js'

/** How far a pin is, in the words of the IPFS pinning service. */
export const pinStatuses = ['queued', 'pinning', 'pinned', 'failed'] as const
export type PinStatus = (typeof pinStatuses)[number]

/** What a client wants kept. */
export interface WantedPin {
  /** Key of a hypercore or drive. */
  cid: Buffer
  name: string | null
  meta: Record<string, string>
  /** Keys of other hypercores under whose topic it is announced, too. */
  origins: Buffer[]
}

export interface Pin extends WantedPin {
  /** For this database alone: stays when a pin gets another id. */
  seq: number
  id: string
  apiKey: string
  created: number
  status: PinStatus
  code: ErrorCode | null
  details: string | null
  cost: bigint
  /** Copies that hold all of it, and copies wanted. */
  whole: number
  wanted: number
}

/** A donation to one hypercore of a pin. Signed, and perhaps on the log, once it has a nonce. */
export interface Payment {
  pin: number
  hypercore: Buffer
  amount: bigint
  paid: boolean
  nonce: number | null
  /** Where the log is to be searched from for what was signed. */
  since: number | null
}

export interface PinFilter {
  cids?: readonly Buffer[]
  name?: { text: string; match: 'exact' | 'iexact' | 'partial' | 'ipartial' }
  statuses?: readonly PinStatus[]
  before?: number
  after?: number
  meta?: Record<string, string>
  limit: number
}

type Row = Record<string, string | number | null> & { seq: number; id: string; created: number }
type PaymentRow = Omit<Payment, 'amount' | 'paid'> & { amount: string; paid: number }

const SELECT = 'SELECT *, CAST(cost AS TEXT) cost FROM pins'
const PAYMENT = 'SELECT pin, hypercore, CAST(amount AS TEXT) amount, paid, nonce, since FROM payments'
const ID_BYTES = 16

/**
 * Pins of all clients. Each change is a transaction: quotas are looked at and taken in one step, and of two that replace or delete the same
 * pin one finds it gone.
 */
export class Pins {
  readonly #db: BetterSqlite3.Database
  readonly #clock: Clock
  readonly #randomBytes: (length: number) => Buffer

  constructor(
    db: BetterSqlite3.Database,
    { clock, randomBytes }: { clock: Clock; randomBytes: (length: number) => Buffer }
  ) {
    this.#db = db
    this.#clock = clock
    this.#randomBytes = randomBytes
  }

  /** Adds a pin, or returns the one that the client has of this hypercore; one that failed is tried again. @throws InputError PIN_QUOTA */
  add(key: ApiKey, wanted: WantedPin): Pin {
    return this.#atOnce(() => this.#add(key, wanted))
  }

  /** Puts a pin in the place of another, under an id of its own; null if there is no such pin. @throws InputError PIN_QUOTA */
  replace(key: ApiKey, id: string, wanted: WantedPin): Pin | null {
    return this.#atOnce(() => {
      const old = this.get(key, id)
      if (!old) return null
      if (old.cid.equals(wanted.cid)) {
        const next = this.#newId()
        const { name, meta, origins } = written(wanted)
        this.#db
          .prepare('UPDATE pins SET id = ?, name = ?, meta = ?, origins = ?, created = ? WHERE seq = ?')
          .run(next, name, meta, origins, this.#now(), old.seq)
        return this.get(key, next)
      }
      this.#remove(old)
      return this.#add(key, wanted)
    })
  }

  /** Whether there was such a pin. What was given for it is the hypercore's. */
  remove(key: ApiKey, id: string): boolean {
    return this.#atOnce(() => {
      const pin = this.get(key, id)
      if (pin) this.#remove(pin)
      return pin !== null
    })
  }

  get({ id: owner }: Pick<ApiKey, 'id'>, id: string): Pin | null {
    const row = this.#db.prepare(`${SELECT} WHERE api_key = ? AND id = ? AND deleted IS NULL`).get(owner, id)
    return row ? pinOf(row as Row) : null
  }

  /** Pins of a client, the newest first, and how many fit in all. */
  list({ id }: Pick<ApiKey, 'id'>, filter: PinFilter): { count: number; rows: Pin[] } {
    const conditions = ['api_key = ?', 'deleted IS NULL']
    const values: (string | number)[] = [id]
    const where = (condition: string, ...given: (string | number)[]): void => {
      conditions.push(condition)
      values.push(...given)
    }
    const among = (column: string, all: readonly string[]): void =>
      where(`${column} IN (${all.map(() => '?').join()})`, ...all)
    if (filter.cids)
      among(
        'cid',
        filter.cids.map((cid) => cid.toString('hex'))
      )
    if (filter.statuses) among('status', filter.statuses)
    if (filter.before !== undefined) where('created < ?', filter.before)
    if (filter.after !== undefined) where('created > ?', filter.after)
    if (filter.name) {
      const { text, match } = filter.name
      const [column, value] = match.startsWith('i') ? ['lower(name)', 'lower(?)'] : ['name', '?']
      where(match.endsWith('exact') ? `${column} = ${value}` : `instr(${column}, ${value}) > 0`, text)
    }
    for (const [name, value] of Object.entries(filter.meta ?? {})) {
      where('EXISTS (SELECT 1 FROM json_each(pins.meta) e WHERE e.key = ? AND e.value = ?)', name, value)
    }
    const all = conditions.join(' AND ')
    const { count } = this.#db.prepare(`SELECT COUNT(*) count FROM pins WHERE ${all}`).get(...values) as {
      count: number
    }
    const rows = this.#db
      .prepare(`${SELECT} WHERE ${all} ORDER BY created DESC LIMIT ?`)
      .all(...values, filter.limit)
    return { count, rows: (rows as Row[]).map(pinOf) }
  }

  /** The pin as it is now, if it is still wanted. */
  live(seq: number): Pin | null {
    const row = this.#db.prepare(`${SELECT} WHERE seq = ? AND deleted IS NULL`).get(seq)
    return row ? pinOf(row as Row) : null
  }

  /** Pins that wait to be paid, and one after the other of each client. */
  queued(limit: number): Pin[] {
    const rows = this.#db
      .prepare(
        `${SELECT} WHERE seq IN (SELECT seq FROM (SELECT seq, ROW_NUMBER() OVER (PARTITION BY api_key ORDER BY checked, seq) turn
           FROM pins WHERE status = 'queued' AND deleted IS NULL) ORDER BY turn, seq LIMIT ?) ORDER BY checked, seq`
      )
      .all(limit)
    return (rows as Row[]).map(pinOf)
  }

  /** Pins that are paid for, those first that were not looked at for the longest. */
  toCheck(status: PinStatus, before: number, limit: number): Pin[] {
    const rows = this.#db
      .prepare(
        `${SELECT} WHERE status = ? AND checked <= ? AND deleted IS NULL ORDER BY checked, seq LIMIT ?`
      )
      .all(status, before, limit)
    return (rows as Row[]).map(pinOf)
  }

  /** Says how far a pin is. What nothing was paid for, and failed, costs nothing. */
  stand(
    { seq }: Pick<Pin, 'seq'>,
    status: PinStatus,
    of: { code?: ErrorCode; details?: string; whole?: number; wanted?: number } = {}
  ): void {
    const { code = null, details = null, whole = 0, wanted = 0 } = of
    this.#atOnce(() => {
      this.#db
        .prepare(
          'UPDATE pins SET status = ?, code = ?, details = ?, whole = ?, wanted = ?, checked = ? WHERE seq = ?'
        )
        .run(status, code, details, whole, wanted, this.#clock.wall(), seq)
      if (status === 'failed') this.#free(seq)
    })
  }

  /** Payments of a pin, made now for those hypercores that have none. */
  payments({ seq }: Pick<Pin, 'seq'>, hypercores: readonly Buffer[] = [], amount = 0n): Payment[] {
    return this.#atOnce(() => {
      const add = this.#db.prepare('INSERT OR IGNORE INTO payments (pin, hypercore, amount) VALUES (?, ?, ?)')
      for (const key of hypercores) add.run(seq, key, amount)
      const rows = this.#db.prepare(`${PAYMENT} WHERE pin = ? ORDER BY hypercore`).all(seq)
      return (rows as PaymentRow[]).map(paymentOf)
    })
  }

  /** Payments that were signed and of which it is not known whether the chain has them, also of pins that are gone. */
  signed(): Payment[] {
    const rows = this.#db.prepare(`${PAYMENT} WHERE paid = 0 AND nonce IS NOT NULL ORDER BY nonce`).all()
    return (rows as PaymentRow[]).map(paymentOf)
  }

  /** Writes down what is about to be signed, or that it was not taken. @throws DatdotError PAYMENT_OPEN if it is not wanted any more */
  sign({ pin, hypercore }: Payment, at: { nonce: number; since: number } | null): void {
    const { changes } = this.#db
      .prepare('UPDATE payments SET nonce = ?, since = ? WHERE pin = ? AND hypercore = ? AND paid = 0')
      .run(at?.nonce ?? null, at?.since ?? null, pin, hypercore)
    if (at && changes === 0) throw new DatdotError('PAYMENT_OPEN', 'the pin was deleted before it was paid')
  }

  paid({ pin, hypercore }: Payment): void {
    this.#db.prepare('UPDATE payments SET paid = 1 WHERE pin = ? AND hypercore = ?').run(pin, hypercore)
  }

  #add(key: ApiKey, wanted: WantedPin): Pin {
    const cid = wanted.cid.toString('hex')
    const row = this.#db
      .prepare(`${SELECT} WHERE api_key = ? AND cid = ? AND deleted IS NULL`)
      .get(key.id, cid) as Row | undefined
    if (row && row.status !== 'failed') return pinOf(row)
    const { spent, live } = this.#db
      .prepare(
        `SELECT CAST(COALESCE(SUM(cost), 0) AS TEXT) spent, COUNT(*) FILTER (WHERE deleted IS NULL) live FROM pins WHERE api_key = ?`
      )
      .get(key.id) as { spent: string; live: number }
    const old = row ? pinOf(row) : null
    // What its last payment was for is used up: it is a new pin.
    const isOver = old?.code === 'HYPERCORE_LAPSED'
    if (isOver) this.#remove(old)
    const known = isOver ? null : old
    // What was paid for before it failed is not paid again.
    const more = known && known.cost > 0n ? 0n : key.perPin
    if (!old && live >= key.pins)
      throw new InputError('PIN_QUOTA', `this key has all of its ${key.pins} pins`)
    if (BigInt(spent) + more > key.tokens) {
      throw new InputError(
        'PIN_QUOTA',
        `this key has spent ${spent} of its ${key.tokens} grains, and a pin costs ${more}`
      )
    }
    if (known) {
      this.#db
        .prepare(
          `UPDATE pins SET status = 'queued', code = NULL, details = NULL, checked = 0, cost = cost + ? WHERE seq = ?`
        )
        .run(more, known.seq)
      return this.get(key, known.id)!
    }
    const id = this.#newId()
    const { name, meta, origins } = written(wanted)
    this.#db
      .prepare(
        `INSERT INTO pins (id, api_key, cid, name, meta, origins, created, status, cost) VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?)`
      )
      .run(id, key.id, cid, name, meta, origins, this.#now(), more)
    return this.get(key, id)!
  }

  #remove({ seq }: Pin): void {
    this.#db.prepare('UPDATE pins SET deleted = ? WHERE seq = ?').run(this.#clock.wall(), seq)
    this.#free(seq)
  }

  /** Gives back what was reserved for a pin that nothing was signed for. */
  #free(seq: number): void {
    this.#db.prepare('DELETE FROM payments WHERE pin = ? AND paid = 0 AND nonce IS NULL').run(seq)
    this.#db
      .prepare(
        'UPDATE pins SET cost = 0 WHERE seq = ? AND NOT EXISTS (SELECT 1 FROM payments WHERE pin = pins.seq)'
      )
      .run(seq)
  }

  #newId(): string {
    return this.#randomBytes(ID_BYTES).toString('hex')
  }

  /** No two pins have the same moment, so that lists can be paged by it. */
  #now(): number {
    const { last } = this.#db.prepare('SELECT COALESCE(MAX(created), 0) last FROM pins').get() as {
      last: number
    }
    return Math.max(last + 1, this.#clock.wall())
  }

  #atOnce<T>(change: () => T): T {
    return this.#db.inTransaction ? change() : this.#db.transaction(change).immediate()
  }
}

function written({ name, meta, origins }: WantedPin): { name: string | null; meta: string; origins: string } {
  return { name, meta: JSON.stringify(meta), origins: origins.map((key) => key.toString('hex')).join() }
}

function pinOf(row: Row): Pin {
  const { seq, id, api_key, cid, name, meta, origins, created, status, code, details, whole, wanted } = row
  return {
    seq,
    id,
    created,
    apiKey: String(api_key),
    cid: Buffer.from(String(cid), 'hex'),
    name: name as string | null,
    meta: JSON.parse(String(meta)) as Record<string, string>,
    origins:
      origins === ''
        ? []
        : String(origins)
            .split(',')
            .map((key) => Buffer.from(key, 'hex')),
    status: status as PinStatus,
    code: code as ErrorCode | null,
    details: details as string | null,
    cost: BigInt(row.cost!),
    whole: Number(whole),
    wanted: Number(wanted)
  }
}

function paymentOf({ amount, paid, ...rest }: PaymentRow): Payment {
  return { ...rest, amount: BigInt(amount), paid: paid === 1 }
}
