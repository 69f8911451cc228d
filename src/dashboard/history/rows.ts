import type BetterSqlite3 from 'better-sqlite3'
import { openSqlite } from '../../sqlite.js'
import { historyMigrations } from './schema.js'

/** `application_id` of a history's file. */
const HISTORY_ID = 0x64646831

export type HistoryValue = number | bigint | string | Uint8Array | null
export type HistoryRow = Record<string, bigint | string | Buffer | null>

/** A history's file with its prepared statements. Integers come out as bigint. */
export class HistoryFile {
  readonly #raw: BetterSqlite3.Database
  readonly #statements = new Map<string, BetterSqlite3.Statement<HistoryValue[], HistoryRow>>()
  readonly #keys = new Map<string, number>()

  /** @param path a file, or `:memory:`; one that is no history of this version is emptied */
  constructor(path: string) {
    this.#raw = openSqlite(path)
    try {
      this.#raw.defaultSafeIntegers(true)
      this.#raw.pragma('journal_mode = WAL')
      // What a power cut takes is read from the log again.
      this.#raw.pragma('synchronous = NORMAL')
      const version = Number(this.#raw.pragma('user_version', { simple: true }))
      const application = Number(this.#raw.pragma('application_id', { simple: true }))
      if (version !== historyMigrations.length || application !== HISTORY_ID) this.empty()
    } catch (error) {
      this.#raw.close()
      throw error
    }
  }

  /** Forgets everything. */
  empty(): void {
    this.#statements.clear()
    this.#keys.clear()
    this.transaction(() => {
      const tables = this.#raw
        .prepare<[], { name: string }>(
          "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        .all()
      for (const { name } of tables) this.#raw.exec(`DROP TABLE "${name.replaceAll('"', '""')}"`)
      for (const migration of historyMigrations) this.#raw.exec(migration)
      this.#raw.pragma(`application_id = ${HISTORY_ID}`)
      this.#raw.pragma(`user_version = ${historyMigrations.length}`)
    })
  }

  #prepare(sql: string): BetterSqlite3.Statement<HistoryValue[], HistoryRow> {
    let statement = this.#statements.get(sql)
    if (!statement)
      this.#statements.set(sql, (statement = this.#raw.prepare<HistoryValue[], HistoryRow>(sql)))
    return statement
  }

  get(sql: string, ...values: HistoryValue[]): HistoryRow | undefined {
    return this.#prepare(sql).get(...values)
  }

  all(sql: string, ...values: HistoryValue[]): HistoryRow[] {
    return this.#prepare(sql).all(...values)
  }

  run(sql: string, ...values: HistoryValue[]): number {
    return this.#prepare(sql).run(...values).changes
  }

  /** Runs `work` in one transaction; an error undoes all of it. */
  transaction<T>(work: () => T): T {
    this.#raw.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#raw.exec('COMMIT')
      return result
    } catch (error) {
      this.#keys.clear()
      if (this.#raw.inTransaction) this.#raw.exec('ROLLBACK')
      throw error
    }
  }

  /** The number of a key, which is given to it if it is new. */
  numberOf(key: Uint8Array): number {
    const name = Buffer.from(key).toString('base64')
    const known = this.#keys.get(name) ?? this.knownNumber(key)
    const id = known ?? Number(this.get('INSERT INTO keys (key) VALUES (?) RETURNING id', key)!.id)
    if (this.#keys.size > KEYS_CACHED) this.#keys.clear()
    this.#keys.set(name, id)
    return id
  }

  /** The number of a key, if it has one. */
  knownNumber(key: Uint8Array): number | null {
    const row = this.get('SELECT id FROM keys WHERE key = ?', key)
    return row ? Number(row.id) : null
  }

  close(): void {
    this.#raw.close()
  }
}

const KEYS_CACHED = 10_000

/** A column that may be null. */
export function maybeNumber(value: bigint | string | Buffer | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}
