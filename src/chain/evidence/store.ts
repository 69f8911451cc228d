import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { KeyPair } from '../../crypto/keys.js'
import { ChainError } from '../../errors.js'
import { isSqliteError, openSqlite } from '../../sqlite.js'
import { Resource } from '../../lifecycle.js'
import { chainCoreManifest } from '../../client/chain-cores.js'
import {
  kindOf,
  readEvidence,
  readTrailer,
  TRAILERS,
  writeTrailer,
  type EvidenceRecord,
  type EvidenceSubject
} from '../../client/evidence-core.js'

/** Bytes of evidence in one block of the core. */
const PIECE_BYTES = 256 << 10
/** Pieces that are appended together: with PIECE_BYTES, what one `add` holds in memory. */
const PIECES_PER_APPEND = 8
/** Records looked at by one `prune`, which therefore never holds the thread for long. */
const PRUNE_AT_ONCE = 1024

/** What an evidence is stored as. */
export interface NewEvidence extends EvidenceSubject {
  hash: Uint8Array
  at: number
}

interface Row {
  kind: bigint
  id: bigint
  hash: Buffer
  start: bigint
  end: bigint
  bytes: bigint
  at: bigint
  previous: bigint
}

/** What the chain's inboxes do with evidence: EvidenceStore, or what keeps it elsewhere. */
export type EvidenceKeeper = Pick<EvidenceStore, 'find' | 'add' | 'remove' | 'prune'>

/**
 * The public evidence of answered challenges, of openings and of refusals, in a hypercore signed by the chain's key: for each one its
 * pieces, then a trailer that names what it is of, hash and length. A table beside the core finds them; it is
 * rebuilt from the trailers, so the core alone is enough.
 */
export class EvidenceStore extends Resource {
  readonly #folder: string
  readonly #store: Corestore
  readonly #keyPair: KeyPair
  #core!: Hypercore
  #db!: Database.Database
  #tail: Promise<unknown> = Promise.resolve()

  /** @param folder where `evidence.db` is kept; the core lives in `store`, which its owner closes */
  constructor(folder: string, store: Corestore, keyPair: KeyPair) {
    super()
    this.#folder = folder
    this.#store = store
    this.#keyPair = keyPair
  }

  /** Where the evidence is, once this is open. */
  get core(): Hypercore {
    return this.#core
  }

  /** Opens core and table, and finds records that a crash kept from the table. */
  protected async start(): Promise<void> {
    this.#db = this.own('table', await soundTable(join(this.#folder, 'evidence.db')))
    const manifest = chainCoreManifest(this.#keyPair.publicKey, 'evidence')
    this.#core = this.own('core', this.#store.get({ manifest, keyPair: this.#keyPair }))
    await this.#core.ready()
    await this.#recover()
    // First of all that closes: what is being stored is finished.
    this.owe('evidence that is being stored', () => this.#tail)
  }

  async #recover(): Promise<void> {
    let start = this.#lastEnd()
    for (let at = start; at < this.core.length; at++) {
      if (!(await this.core.has(at))) {
        start = at + 1
        continue
      }
      const block = await this.core.get(at)
      const record = block ? readTrailer(block, at) : undefined
      if (!record) continue
      // Pieces before this record's own are what a crash left of an unfinished one.
      if (record.start > start) await this.core.clear(start, record.start)
      // A removed one left its trailer alone.
      if (await this.core.has(record.start, record.end)) this.#insert(record)
      start = record.end
    }
    if (start < this.core.length) await this.core.clear(start, this.core.length)
  }

  /**
   * Stores one evidence; concurrent calls take turns. Nothing is found under its subject until all of it
   * is on disk.
   *
   * @throws ChainError `EVIDENCE_KNOWN` if the challenge or refusal already has one
   */
  add(record: NewEvidence, parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<EvidenceRecord> {
    const added = this.#tail.then(() => {
      this.signal.throwIfAborted()
      return this.#add(record, parts)
    })
    this.#tail = added.catch(() => {})
    return added
  }

  async #add(
    { kind, id, hash, at }: NewEvidence,
    parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  ): Promise<EvidenceRecord> {
    if (this.find({ kind, id })) {
      throw new ChainError('EVIDENCE_KNOWN', `${nameOf({ kind, id })} already has its evidence`)
    }
    const start = this.core.length
    const previous = this.#lastEnd()
    let bytes = 0
    let batch: Buffer[] = []
    try {
      for await (const piece of pieces(parts)) {
        bytes += piece.byteLength - 1
        batch.push(piece)
        if (batch.length < PIECES_PER_APPEND) continue
        await this.core.append(batch)
        batch = []
      }
      const end = this.core.length + batch.length + 1
      const place = { start, end, bytes, at: Math.floor(at), previous }
      const stored = { kind, id, hash: Buffer.from(hash), ...place }
      batch.push(writeTrailer(stored))
      await this.core.append(batch)
      this.#insert(stored)
      return stored
    } catch (error) {
      if (this.core.length > start && !this.core.closed) await this.core.clear(start, this.core.length)
      throw error
    }
  }

  /** The record of an evidence, while it is kept. */
  find({ kind, id }: EvidenceSubject): EvidenceRecord | undefined {
    const row = this.#db
      .prepare<[bigint, bigint], Row>('SELECT * FROM trailers WHERE kind = ? AND id = ?')
      .get(BigInt(TRAILERS[kind]), BigInt(id))
    return row && fromRow(row)
  }

  /** An evidence's bytes, piece by piece. @throws ChainError `EVIDENCE_UNKNOWN` */
  async *read(subject: EvidenceSubject): AsyncGenerator<Buffer, void, void> {
    const record = this.find(subject)
    if (!record) throw new ChainError('EVIDENCE_UNKNOWN', `${nameOf(subject)} has no evidence that is kept`)
    yield* readEvidence(this.core, record)
  }

  /** Forgets one record. Its trailer stays, since the next one names it. */
  async remove(subject: EvidenceSubject): Promise<void> {
    const record = this.find(subject)
    if (!record) return
    await this.core.clear(record.start, record.end - 1)
    this.#forget([record])
  }

  /** Forgets records stored before `before` (ms of the chain's clock); returns how many. */
  async prune(before: number): Promise<number> {
    const rows = this.#db
      .prepare<[bigint, number], Row>('SELECT * FROM trailers WHERE at < ? ORDER BY at, kind, id LIMIT ?')
      .all(BigInt(Math.floor(before)), PRUNE_AT_ONCE)
      .map(fromRow)
    // Blocks first: a crash in between leaves rows that the next call prunes again, never blocks without a row.
    for (const { start, end } of rows) await this.core.clear(start, end)
    this.#forget(rows)
    return rows.length
  }

  #forget(records: readonly EvidenceRecord[]): void {
    const forget = this.#db.prepare('DELETE FROM trailers WHERE kind = ? AND id = ?')
    this.#db.transaction(() => {
      for (const { kind, id } of records) forget.run(BigInt(TRAILERS[kind]), BigInt(id))
    })()
  }

  /** Where the last record that is kept ends. */
  #lastEnd(): number {
    const last = this.#db
      .prepare<[], { end: bigint | null }>('SELECT max("end") AS "end" FROM trailers')
      .get()
    return Number(last?.end ?? 0n)
  }

  #insert({ kind, id, hash, ...place }: EvidenceRecord): void {
    const { start, end, bytes, at, previous } = place
    this.#db
      .prepare(
        `INSERT OR REPLACE INTO trailers (kind, id, hash, start, "end", bytes, at, previous)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
      )
      .run(
        BigInt(TRAILERS[kind]),
        BigInt(id),
        hash,
        BigInt(start),
        BigInt(end),
        BigInt(bytes),
        BigInt(at),
        BigInt(previous)
      )
  }
}

/** Cuts any sequence of parts into piece blocks. */
async function* pieces(parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let piece = Buffer.alloc(1 + PIECE_BYTES)
  let filled = 1
  for await (const part of parts) {
    for (let from = 0; from < part.byteLength;) {
      const taken = part.subarray(from, from + piece.byteLength - filled)
      piece.set(taken, filled)
      from += taken.byteLength
      filled += taken.byteLength
      if (filled < piece.byteLength) continue
      yield piece
      piece = Buffer.alloc(1 + PIECE_BYTES)
      filled = 1
    }
  }
  if (filled > 1) yield piece.subarray(0, filled)
}

function nameOf({ kind, id }: EvidenceSubject): string {
  if (kind === 'refusal') return `The refusal of draw ${id}`
  return kind === 'answer' ? `Challenge ${id}` : `The opening after challenge ${id}`
}

function fromRow({ kind, id, hash, ...place }: Row): EvidenceRecord {
  return {
    kind: kindOf(Number(kind)) as EvidenceSubject['kind'],
    id: Number(id),
    hash,
    start: Number(place.start),
    end: Number(place.end),
    bytes: Number(place.bytes),
    at: Number(place.at),
    previous: Number(place.previous)
  }
}

/** The table; one that is damaged is made anew, and filled from the core. */
async function soundTable(path: string): Promise<Database.Database> {
  try {
    const table = openTable(path)
    if (table.pragma('quick_check(1)', { simple: true }) === 'ok') return table
    table.close()
  } catch (error) {
    if (!isSqliteError(error) || !/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) throw error
  }
  for (const end of ['', '-wal', '-shm']) await rm(path + end, { force: true })
  return openTable(path)
}

function openTable(path: string): Database.Database {
  const db = openSqlite(path)
  try {
    db.defaultSafeIntegers(true)
    db.pragma('journal_mode = WAL')
    db.exec(
      `CREATE TABLE IF NOT EXISTS trailers (
         kind INTEGER NOT NULL CHECK (kind IN (1, 2, 3)), id INTEGER NOT NULL,
         hash BLOB NOT NULL CHECK (length(hash) = 32),
         start INTEGER NOT NULL, "end" INTEGER NOT NULL CHECK ("end" > start),
         bytes INTEGER NOT NULL, at INTEGER NOT NULL,
         previous INTEGER NOT NULL,
         PRIMARY KEY (kind, id)
       ) STRICT, WITHOUT ROWID;
       CREATE INDEX IF NOT EXISTS trailers_at ON trailers (at, kind, id);
       CREATE INDEX IF NOT EXISTS trailers_end ON trailers ("end")`
    )
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
