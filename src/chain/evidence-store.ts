import { join } from 'node:path'
import Database from 'better-sqlite3'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { KeyPair } from '../crypto/keys.js'
import { ChainError } from '../errors.js'
import { chainCoreManifest } from './log.js'

/** Bytes of evidence in one block of the core. */
const PIECE_BYTES = 256 << 10
/** Pieces that are appended together: with PIECE_BYTES, what one `add` holds in memory. */
const PIECES_PER_APPEND = 8
/** Records looked at by one `prune`, which therefore never holds the thread for long. */
const PRUNE_AT_ONCE = 1024

const VERSION = 1
const PIECE = 0
const TRAILER = 1
const TRAILER_BYTES = 1 + 1 + 8 + 32 + 8 + 8 + 8

/** What is known of one stored evidence. */
export interface EvidenceRecord {
  /** The challenge it answers. */
  challenge: number
  /** Evidence hash, 32 bytes, as `settle` logs it. */
  hash: Buffer
  /** Blocks `[start, end)` of the evidence core; the last one is the trailer. */
  start: number
  end: number
  bytes: number
  /** When it was stored, ms of the chain's clock. */
  at: number
}

interface Row {
  challenge: bigint
  hash: Buffer
  start: bigint
  end: bigint
  bytes: bigint
  at: bigint
}

/**
 * The public evidence of answered challenges, in a hypercore signed by the chain's key: for each one its
 * pieces, then a trailer that names challenge, hash and length. A table beside the core finds them; it is
 * rebuilt from the trailers, so the core alone is enough.
 */
export class EvidenceStore {
  readonly core: Hypercore
  readonly #db: Database.Database
  #tail: Promise<unknown> = Promise.resolve()

  /** @param folder where `evidence.db` is kept; the core lives in `store`, which its owner closes */
  constructor(folder: string, store: Corestore, keyPair: KeyPair) {
    this.core = store.get({ manifest: chainCoreManifest(keyPair.publicKey, 'evidence'), keyPair })
    this.#db = new Database(join(folder, 'evidence.db'))
    this.#db.defaultSafeIntegers(true)
    this.#db.pragma('journal_mode = WAL')
    this.#db.exec(
      `CREATE TABLE IF NOT EXISTS evidence (
         challenge INTEGER PRIMARY KEY,
         hash BLOB NOT NULL CHECK (length(hash) = 32),
         start INTEGER NOT NULL, "end" INTEGER NOT NULL CHECK ("end" > start),
         bytes INTEGER NOT NULL, at INTEGER NOT NULL
       ) STRICT;
       CREATE INDEX IF NOT EXISTS evidence_at ON evidence (at, challenge);
       CREATE INDEX IF NOT EXISTS evidence_end ON evidence ("end")`
    )
  }

  /** Opens the core, and finds records that a crash kept from the table. */
  async open(): Promise<void> {
    await this.core.ready()
    const known = this.#db
      .prepare<[], { end: bigint | null }>('SELECT max("end") AS "end" FROM evidence')
      .get()
    let start = Number(known?.end ?? 0n)
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
      this.#insert(record)
      start = record.end
    }
    if (start < this.core.length) await this.core.clear(start, this.core.length)
  }

  /**
   * Stores one evidence; concurrent calls take turns. Nothing is found under the challenge until all of it
   * is on disk.
   *
   * @throws ChainError `EVIDENCE_KNOWN` if the challenge already has one
   */
  add(
    record: { challenge: number; hash: Uint8Array; at: number },
    parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  ): Promise<EvidenceRecord> {
    const added = this.#tail.then(() => this.#add(record, parts))
    this.#tail = added.catch(() => {})
    return added
  }

  async #add(
    { challenge, hash, at }: { challenge: number; hash: Uint8Array; at: number },
    parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  ): Promise<EvidenceRecord> {
    if (this.find(challenge)) {
      throw new ChainError('EVIDENCE_KNOWN', `Challenge ${challenge} already has its evidence`)
    }
    const start = this.core.length
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
      const stored: EvidenceRecord = { challenge, hash: Buffer.from(hash), start, end, bytes, at }
      batch.push(writeTrailer(stored))
      await this.core.append(batch)
      this.#insert(stored)
      return stored
    } catch (error) {
      if (this.core.length > start && !this.core.closed) await this.core.clear(start, this.core.length)
      throw error
    }
  }

  /** The record of a challenge's evidence, while it is kept. */
  find(challenge: number): EvidenceRecord | undefined {
    const row = this.#db
      .prepare<[bigint], Row>('SELECT * FROM evidence WHERE challenge = ?')
      .get(BigInt(challenge))
    return row && fromRow(row)
  }

  /** An evidence's bytes, piece by piece. @throws ChainError `EVIDENCE_UNKNOWN` */
  async *read(challenge: number): AsyncGenerator<Buffer, void, void> {
    const record = this.find(challenge)
    if (!record) throw new ChainError('EVIDENCE_UNKNOWN', `No evidence of challenge ${challenge} is kept`)
    yield* readEvidence(this.core, record)
  }

  /** Forgets one record. */
  async remove(challenge: number): Promise<void> {
    const record = this.find(challenge)
    if (!record) return
    await this.core.clear(record.start, record.end)
    this.#db.prepare('DELETE FROM evidence WHERE challenge = ?').run(BigInt(challenge))
  }

  /** Forgets records stored before `before` (ms of the chain's clock); returns how many. */
  async prune(before: number): Promise<number> {
    const rows = this.#db
      .prepare<[bigint, number], Row>('SELECT * FROM evidence WHERE at < ? ORDER BY at, challenge LIMIT ?')
      .all(BigInt(Math.floor(before)), PRUNE_AT_ONCE)
      .map(fromRow)
    // Blocks first: a crash in between leaves rows that the next call prunes again, never blocks without a row.
    for (const { start, end } of rows) await this.core.clear(start, end)
    const forget = this.#db.prepare('DELETE FROM evidence WHERE challenge = ?')
    this.#db.transaction(() => rows.forEach(({ challenge }) => forget.run(BigInt(challenge))))()
    return rows.length
  }

  /** Waits for what is being stored. */
  async close(): Promise<void> {
    await this.#tail
    await this.core.close()
    this.#db.close()
  }

  #insert({ challenge, hash, start, end, bytes, at }: EvidenceRecord): void {
    this.#db
      .prepare(
        'INSERT OR REPLACE INTO evidence (challenge, hash, start, "end", bytes, at) VALUES (?, ?, ?, ?, ?, ?)'
      )
      .run(BigInt(challenge), hash, BigInt(start), BigInt(end), BigInt(bytes), BigInt(at))
  }
}

/**
 * The bytes of one evidence from an evidence core, the chain's own or one that follows it.
 *
 * @throws ChainError `EVIDENCE_DAMAGED` if a block is not what the record says
 */
export async function* readEvidence(
  core: Hypercore,
  { start, end, bytes }: Pick<EvidenceRecord, 'start' | 'end' | 'bytes'>,
  timeoutMs = 30_000
): AsyncGenerator<Buffer, void, void> {
  let left = bytes
  for (let at = start; at < end - 1; at++) {
    const block = await core.get(at, { timeout: timeoutMs })
    if (!block || block[0] !== PIECE || block.byteLength - 1 > left) throw damaged(at)
    left -= block.byteLength - 1
    yield block.subarray(1)
  }
  if (left !== 0) throw damaged(end - 1)
}

/** The record that block `at` of an evidence core ends, if it is a trailer. */
export function readTrailer(block: Buffer, at: number): EvidenceRecord | undefined {
  if (block.byteLength !== TRAILER_BYTES || block[0] !== TRAILER || block[1] !== VERSION) return undefined
  const count = Number(block.readBigUInt64LE(50))
  if (count > at) return undefined
  return {
    challenge: Number(block.readBigUInt64LE(2)),
    hash: Buffer.from(block.subarray(10, 42)),
    bytes: Number(block.readBigUInt64LE(42)),
    at: Number(block.readBigUInt64LE(58)),
    start: at - count,
    end: at + 1
  }
}

function writeTrailer({ challenge, hash, start, end, bytes, at }: EvidenceRecord): Buffer {
  const block = Buffer.alloc(TRAILER_BYTES)
  block.writeUInt8(TRAILER, 0)
  block.writeUInt8(VERSION, 1)
  block.writeBigUInt64LE(BigInt(challenge), 2)
  block.set(hash, 10)
  block.writeBigUInt64LE(BigInt(bytes), 42)
  block.writeBigUInt64LE(BigInt(end - start - 1), 50)
  block.writeBigUInt64LE(BigInt(at), 58)
  return block
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

function fromRow({ challenge, hash, start, end, bytes, at }: Row): EvidenceRecord {
  return {
    challenge: Number(challenge),
    hash,
    start: Number(start),
    end: Number(end),
    bytes: Number(bytes),
    at: Number(at)
  }
}

function damaged(at: number): ChainError {
  return new ChainError(
    'EVIDENCE_DAMAGED',
    `Block ${at} of the evidence core is not a piece of this evidence`
  )
}
