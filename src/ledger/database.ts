import type BetterSqlite3 from 'better-sqlite3'
import { InputError, StorageError } from '../errors.js'
import { openSqlite } from '../sqlite.js'
import { ledgerFailure, notOpened } from './failures.js'
import { migrations } from './schema.js'

/** What a statement takes. Numbers only where they are whole and below 2^53. */
export type Value = number | bigint | Uint8Array | null
/** A row: integers are always bigint. */
export type Row = Record<string, bigint | Buffer | null>

/** SQLite holds datdot's ledger: `application_id` says so to `file` and to `open`. */
const APPLICATION_ID = 0x64617464n

/** How long a lock of another process is waited for, such as one that an audit holds while it opens the file. */
const BUSY_MS = 5_000
/** Up to this size all pages are looked at when a ledger is opened to be written: some seconds at most. What is larger an audit looks at. */
const CHECKED_BYTES = 2 ** 30

/**
 * The ledger's file with its prepared statements; integers cross this border as bigint. What SQLite reports is thrown as
 * `ledgerFailure` makes it.
 */
export class Database {
  readonly raw: BetterSqlite3.Database
  readonly #path: string
  readonly #statements = new Map<string, BetterSqlite3.Statement<Value[], Row>>()

  /**
   * @param path a file, or `:memory:`. `busyMs`: how long another process may have it locked. `references: false` for a replay, whose rows refer to entries that are not kept
   * @throws InputError `LEDGER_NOT_FOUND`, `LEDGER_NOT_A_LEDGER`, `LEDGER_TOO_NEW`, `LEDGER_DENIED`, `LEDGER_IN_USE`;
   *   StorageError for what SQLite reports of the file
   */
  constructor(
    path: string,
    options: { readonly?: boolean; durable?: boolean; references?: boolean; busyMs?: number } = {}
  ) {
    const readonly = options.readonly ?? false
    this.#path = path
    let raw: BetterSqlite3.Database | undefined
    try {
      raw = openSqlite(path, { readonly, fileMustExist: readonly, timeout: options.busyMs ?? BUSY_MS })
      this.raw = raw
      this.raw.defaultSafeIntegers(true)
      this.#check(path, readonly, options.durable ?? true)
      if (options.references === false) this.raw.pragma('foreign_keys = OFF')
    } catch (error) {
      raw?.close()
      // The one TypeError of opening: there is not even the folder.
      throw error instanceof TypeError ? notOpened(error, path) : ledgerFailure(error, path)
    }
  }

  #check(path: string, readonly: boolean, durable: boolean): void {
    const application = this.raw.pragma('application_id', { simple: true }) as bigint
    const version = Number(this.raw.pragma('user_version', { simple: true }))
    const empty = this.raw.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0n
    if (!empty && application !== APPLICATION_ID) {
      throw new InputError('LEDGER_NOT_A_LEDGER', `${path} is a database, but not a ledger`)
    }
    if (version > migrations.length) {
      throw new InputError('LEDGER_TOO_NEW', `${path} was written by a newer datdot; update this one`)
    }
    if (readonly) {
      if (empty) throw new InputError('LEDGER_NOT_A_LEDGER', `${path} holds no ledger`)
      return
    }
    if (!empty) this.#expectSound(path)
    this.raw.pragma('journal_mode = WAL')
    this.raw.pragma(durable ? 'synchronous = FULL' : 'synchronous = OFF')
    this.raw.pragma('foreign_keys = ON')
    this.raw.pragma('cache_size = -65536')
    this.raw.pragma('temp_store = MEMORY')
    this.transaction(() => {
      for (const migration of migrations.slice(version)) this.raw.exec(migration)
      this.raw.pragma(`application_id = ${APPLICATION_ID}`)
      this.raw.pragma(`user_version = ${migrations.length}`)
    })
  }

  /** Damage is found before anything is written on top of it. @throws StorageError `LEDGER_DAMAGED` */
  #expectSound(path: string): void {
    const [pages, pageBytes] = ['page_count', 'page_size'].map((name) =>
      Number(this.raw.pragma(name, { simple: true }))
    ) as [number, number]
    if (pages * pageBytes > CHECKED_BYTES) return
    const said = String(this.raw.pragma('quick_check(1)', { simple: true }))
    if (said === 'ok') return
    throw new StorageError(
      'LEDGER_DAMAGED',
      `the ledger ${path} is damaged: ${said.replaceAll('\n', ' ')}; restore it from a backup, or build it again from the published log`
    )
  }

  #prepare(sql: string): BetterSqlite3.Statement<Value[], Row> {
    let statement = this.#statements.get(sql)
    if (!statement) this.#statements.set(sql, (statement = this.raw.prepare<Value[], Row>(sql)))
    return statement
  }

  get(sql: string, ...values: Value[]): Row | undefined {
    try {
      return this.#prepare(sql).get(...values)
    } catch (error) {
      throw ledgerFailure(error, this.#path)
    }
  }

  all(sql: string, ...values: Value[]): Row[] {
    try {
      return this.#prepare(sql).all(...values)
    } catch (error) {
      throw ledgerFailure(error, this.#path)
    }
  }

  /** Rows one at a time; nothing else may be written meanwhile. */
  *iterate(sql: string, ...values: Value[]): Generator<Row, void, void> {
    try {
      yield* this.#prepare(sql).iterate(...values)
    } catch (error) {
      throw ledgerFailure(error, this.#path)
    }
  }

  /** Rows changed. */
  run(sql: string, ...values: Value[]): number {
    try {
      return this.#prepare(sql).run(...values).changes
    } catch (error) {
      throw ledgerFailure(error, this.#path)
    }
  }

  /** Runs `work` in one transaction that takes the write lock at once; an error undoes all of it. */
  transaction<T>(work: () => T): T {
    this.#exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#exec('COMMIT')
      return result
    } catch (error) {
      if (this.raw.inTransaction) this.#exec('ROLLBACK')
      throw error
    }
  }

  #exec(sql: string): void {
    try {
      this.raw.exec(sql)
    } catch (error) {
      throw ledgerFailure(error, this.#path)
    }
  }

  close(): void {
    this.raw.close()
  }
}
