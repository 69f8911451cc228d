import { Resource } from '../../lifecycle.js'
import { decodeEntry } from '../../protocol/entry.js'
import type { LoggedEvent } from '../../ledger/types.js'
import { EntryReader, type ShownRound } from './apply.js'
import { HistoryFile, maybeNumber } from './rows.js'
import { pruneSlices } from './tally.js'

/** Challenges, checks, reports and events that are kept one by one; sums of older ones stay. */
export interface HistoryLimits {
  challenges: number
  events: number
}

const historyLimits: HistoryLimits = { challenges: 2_000_000, events: 500_000 }

/** Readings between two looks at what has become too much, and rows that one look forgets. */
const READINGS_PER_CLEANING = 256
const FORGOTTEN_AT_ONCE = 2_000

/** How far a history has read. */
export interface HistoryProgress {
  /** The next entry that it needs. */
  next: number
  /** First entry that it knows the effects of; null while there is none. Those before were read too late. */
  began: number | null
  /** The chain's date at the last entry. */
  at: number
}

/**
 * What a dashboard remembers of a chain's log, in a SQLite file of its own: each challenge, check and draw, what people want to be told,
 * and sums over minutes, hours and days. It is filled by `read` and asked by src/dashboard/history/series.ts and its neighbours; the
 * ledger neither knows it nor waits for it.
 */
export class History extends Resource {
  readonly #path: string
  readonly #limits: HistoryLimits
  #shown: ShownRound = { round: 0, value: null }
  #file!: HistoryFile
  #chain: Uint8Array
  #readings = 0

  /** @param path a file, or `:memory:`. `chainId`: the history of another chain is forgotten */
  constructor(path: string, chainId: Uint8Array, limits: HistoryLimits = historyLimits) {
    super()
    this.#path = path
    this.#chain = chainId
    this.#limits = limits
  }

  protected start(): Promise<void> {
    const file = (this.#file = this.own('file', new HistoryFile(this.#path)))
    const row = file.get('SELECT chain, round, value FROM progress')
    if (row && Buffer.from(this.#chain).equals(row.chain as Buffer)) {
      this.#shown = { round: Number(row.round), value: row.value as Buffer | null }
    } else this.forget()
    return Promise.resolve()
  }

  /** Begins anew with the first entry. */
  forget(): void {
    this.#shown = { round: 0, value: null }
    this.#file.empty()
    this.#file.run(
      'INSERT INTO progress (id, chain, next, hash, at) VALUES (1, ?, 0, ?, 0)',
      this.#chain,
      Buffer.alloc(32)
    )
  }

  /** Whether an entry is the one that was read last: a log that was restored from a backup may have another. */
  isLast(bytes: Uint8Array): boolean {
    const row = this.#file.get('SELECT next, hash FROM progress')!
    const { seq, hash } = decodeEntry(bytes)
    return seq === Number(row.next) - 1 && Buffer.from(hash).equals(row.hash as Buffer)
  }

  /** What queries read. */
  get file(): HistoryFile {
    return this.#file
  }

  get progress(): HistoryProgress {
    const row = this.#file.get('SELECT next, began, at FROM progress')!
    return { next: Number(row.next), began: maybeNumber(row.began), at: Number(row.at) }
  }

  /**
   * Takes the next entries, in one transaction; returns the challenges that they issued.
   *
   * @throws RangeError if they are not the next ones
   */
  read(events: readonly LoggedEvent[]): number[] {
    const issued: number[] = []
    this.#file.transaction(() => {
      let { next, began } = this.progress
      let at = 0
      let hash: Uint8Array = Buffer.alloc(32)
      for (const { entry: bytes, effects } of events) {
        const entry = decodeEntry(bytes)
        if (entry.seq !== next) throw new RangeError(`entry ${entry.seq} came for ${next}`)
        const reader = new EntryReader(this.#file, entry, this.#shown)
        if (effects) began ??= entry.seq
        reader.read(effects)
        issued.push(...reader.issued)
        next++
        ;({ at, hash } = entry)
      }
      if (events.length === 0) return
      const { round, value } = this.#shown
      this.#file.run(
        'UPDATE progress SET next = ?, began = ?, at = ?, hash = ?, round = ?, value = ?',
        next,
        began,
        at,
        hash,
        round,
        value
      )
    })
    if (++this.#readings % READINGS_PER_CLEANING === 0) this.clean()
    return issued
  }

  /** Steps of challenges that were still open when they were asked about. */
  steps(challenges: readonly { id: number; steps: number }[]): void {
    if (challenges.length === 0) return
    this.#file.transaction(() => {
      for (const { id, steps } of challenges)
        this.#file.run('UPDATE challenges SET steps = ? WHERE id = ?', steps, id)
    })
  }

  /** Forgets some of what is too old to be kept one by one; returns how many rows. */
  clean(): number {
    const { at } = this.progress
    const file = this.#file
    return file.transaction(() => {
      let gone = pruneSlices(file, at, FORGOTTEN_AT_ONCE)
      for (const [table, most] of [
        ['challenges', this.#limits.challenges],
        ['checks', this.#limits.challenges],
        ['events', this.#limits.events]
      ] as const) {
        const over = Number(file.get(`SELECT max(id) - min(id) + 1 AS n FROM ${table}`)!.n ?? 0n) - most
        if (over <= 0) continue
        const some = Math.min(over, FORGOTTEN_AT_ONCE)
        gone += file.run(
          `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} ORDER BY id LIMIT ?)`,
          some
        )
      }
      const oldest = file.get('SELECT min(epoch) AS epoch FROM checks')!.epoch
      if (oldest !== null && oldest !== undefined) {
        for (const table of ['reports', 'commitments']) {
          gone += file.run(`DELETE FROM ${table} WHERE epoch < ?`, oldest)
        }
      }
      return gone
    })
  }
}
