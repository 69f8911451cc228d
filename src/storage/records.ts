import type Database from 'better-sqlite3'
import { StorageError } from '../errors.js'
import { openSqlite } from '../sqlite.js'
import { decodeManifest, encodeManifest } from './hypercore-parts.js'
import type { BlockRange } from '../protocol/ranges.js'
import type { SegmentPublic, SegmentSpec } from './types.js'

const FORMAT = 5

const SCHEMA = `
  CREATE TABLE hypercore (
    key BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    manifest BLOB NOT NULL,
    removing INTEGER NOT NULL DEFAULT 0 CHECK (removing IN (0, 1))
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE segment (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    key BLOB NOT NULL REFERENCES hypercore (key) ON DELETE CASCADE,
    first_block INTEGER NOT NULL CHECK (first_block >= 0),
    end_block INTEGER NOT NULL CHECK (end_block > first_block),
    codec TEXT NOT NULL CHECK (codec IN ('wrap', 'seal')),
    public_key BLOB NOT NULL,
    salt BLOB NOT NULL,
    fork INTEGER NOT NULL CHECK (fork >= 0),
    length INTEGER NOT NULL CHECK (length >= end_block),
    tree_hash BLOB NOT NULL CHECK (length(tree_hash) = 32),
    signature BLOB,
    holes TEXT NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    apart INTEGER NOT NULL CHECK (apart IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('pending', 'verified', 'held', 'former', 'replaced', 'aborting'))
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE modulus (
    segment BLOB NOT NULL PRIMARY KEY REFERENCES segment (id) ON DELETE CASCADE,
    prime_proof BLOB NOT NULL,
    searched INTEGER NOT NULL DEFAULT 0 CHECK (searched >= 0)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX modulus_by_search ON modulus (searched, segment);
  CREATE INDEX segment_of_hypercore ON segment (key, first_block);
`

/**
 * `pending`: chunks are coming in; `verified`: the author's signature held and the segment is being put in
 * place; `held`: served; `former`: of a copy that is lost, and served until another one has the same blocks; `replaced`: encoded
 * again by another one, and kept for challenges that were asked before; `aborting`: being deleted.
 */
export type RecordState = 'pending' | 'verified' | 'held' | 'former' | 'replaced' | 'aborting'

export interface RecordedSegment extends SegmentSpec {
  state: RecordState
  bytes: number
  /** Whether its chunks have rows of their own, since others were where hypercore looks for them. */
  apart: boolean
}

interface Row {
  id: Buffer
  key: Buffer
  manifest: Buffer
  first_block: number
  end_block: number
  codec: SegmentPublic['codec']
  public_key: Buffer
  salt: Buffer
  fork: number
  length: number
  tree_hash: Buffer
  signature: Buffer | null
  holes: string
  bytes: number
  apart: number
  state: RecordState
}

/** A held segment in whose modulus factors are looked for. */
export interface SearchedModulus {
  key: Buffer
  id: Buffer
  publicKey: Buffer
  /** Steps that are done. */
  searched: number
}

/** Which segments a pinner's folder holds, in SQLite: read before any hypercore is opened. */
export class Records {
  readonly #db: Database.Database

  /** @throws StorageError STORAGE_FORMAT if the file is not one of this version */
  constructor(file: string) {
    this.#db = openSqlite(file, { timeout: 0 })
    try {
      this.#db.pragma('journal_mode = WAL')
      this.#db.pragma('synchronous = FULL')
      this.#db.pragma('foreign_keys = ON')
      this.#prepareSchema(file)
    } catch (error) {
      this.#db.close()
      if ((error as { code?: unknown }).code === 'SQLITE_NOTADB') throw wrongFormat(file)
      throw error
    }
  }

  #prepareSchema(file: string): void {
    const version = this.#db.pragma('user_version', { simple: true })
    if (version === FORMAT) return
    const tables = this.#db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()
    if (version !== 0 || tables !== 0) throw wrongFormat(file)
    this.#db.transaction(() => {
      this.#db.exec(SCHEMA)
      this.#db.pragma(`user_version = ${FORMAT}`)
    })()
  }

  /** All segments, by hypercore and first block. */
  all(): RecordedSegment[] {
    const rows = this.#db
      .prepare('SELECT * FROM segment JOIN hypercore USING (key) ORDER BY key, first_block')
      .all() as Row[]
    return rows.map(fromRow)
  }

  /** Hypercores whose deletion was begun. */
  removing(): Buffer[] {
    return this.#db.prepare('SELECT key FROM hypercore WHERE removing = 1').pluck().all() as Buffer[]
  }

  begin(spec: SegmentSpec, apart: boolean): void {
    this.#db.transaction(() => {
      this.#db
        .prepare('INSERT INTO hypercore (key, manifest) VALUES (?, ?) ON CONFLICT DO NOTHING')
        .run(spec.key, encodeManifest(spec.manifest))
      this.#db
        .prepare(
          `INSERT INTO segment (id, key, first_block, end_block, codec, public_key, salt, fork, length,
             tree_hash, signature, holes, apart, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')`
        )
        .run(
          asBuffer(spec.segment.id),
          spec.key,
          spec.start,
          spec.end,
          spec.segment.codec,
          asBuffer(spec.segment.publicKey),
          asBuffer(spec.segment.salt),
          spec.fork,
          spec.length,
          spec.treeHash,
          spec.signature,
          JSON.stringify(spec.holes ?? []),
          apart ? 1 : 0
        )
    })()
  }

  verified(id: Uint8Array, end: number, bytes: number): void {
    this.#db
      .prepare("UPDATE segment SET state = 'verified', end_block = ?, bytes = ? WHERE id = ?")
      .run(end, bytes, asBuffer(id))
  }

  setState(id: Uint8Array, state: RecordState): void {
    this.#db.prepare('UPDATE segment SET state = ? WHERE id = ?').run(state, asBuffer(id))
  }

  /** A segment is in place; those that it encodes again are not any more. */
  placed(id: Uint8Array, replaced: readonly Uint8Array[]): void {
    this.#db.transaction(() => {
      for (const other of replaced) this.setState(other, 'replaced')
      this.setState(id, 'held')
    })()
  }

  /** Segments of a copy that is lost; `replaced`: those that are of no more use. */
  retired(former: readonly Uint8Array[], replaced: readonly Uint8Array[]): void {
    this.#db.transaction(() => {
      for (const id of former) this.setState(id, 'former')
      for (const id of replaced) this.setState(id, 'replaced')
    })()
  }

  /** What a signer shows of the primes of a segment's modulus; goes with the segment. */
  keepPrimeProof(id: Uint8Array, proof: Uint8Array): void {
    this.#db
      .prepare(
        `INSERT INTO modulus (segment, prime_proof) VALUES (?, ?)
         ON CONFLICT (segment) DO UPDATE SET prime_proof = excluded.prime_proof WHERE prime_proof != excluded.prime_proof`
      )
      .run(asBuffer(id), asBuffer(proof))
  }

  primeProof(id: Uint8Array): Buffer | null {
    const row = this.#db
      .prepare('SELECT prime_proof FROM modulus WHERE segment = ?')
      .pluck()
      .get(asBuffer(id))
    return (row as Buffer | undefined) ?? null
  }

  /** Of the held segments with fewer steps than these, the one that has the fewest. */
  leastSearched(steps: number): SearchedModulus | null {
    const row = this.#db
      .prepare(
        `SELECT key, id, public_key AS publicKey, searched FROM modulus JOIN segment ON segment.id = modulus.segment
         WHERE searched < ? AND state = 'held' ORDER BY searched, id LIMIT 1`
      )
      .get(steps)
    return (row as SearchedModulus | undefined) ?? null
  }

  setSearched(id: Uint8Array, steps: number): void {
    this.#db.prepare('UPDATE modulus SET searched = ? WHERE segment = ?').run(steps, asBuffer(id))
  }

  setRemoving(key: Buffer): void {
    this.#db.prepare('UPDATE hypercore SET removing = 1 WHERE key = ?').run(key)
  }

  deleteHypercore(key: Buffer): void {
    this.#db.prepare('DELETE FROM hypercore WHERE key = ?').run(key)
  }

  deleteSegment(id: Uint8Array): void {
    this.#db.prepare('DELETE FROM segment WHERE id = ?').run(asBuffer(id))
  }

  /** Writes something that changes nothing. */
  writeNothing(): void {
    this.#db.pragma(`user_version = ${FORMAT}`)
  }

  close(): void {
    this.#db.close()
  }
}

function fromRow(row: Row): RecordedSegment {
  return {
    key: row.key,
    manifest: decodeManifest(row.manifest),
    fork: row.fork,
    length: row.length,
    treeHash: row.tree_hash,
    signature: row.signature,
    segment: { codec: row.codec, id: row.id, publicKey: row.public_key, salt: row.salt },
    start: row.first_block,
    end: row.end_block,
    holes: JSON.parse(row.holes) as BlockRange[],
    bytes: row.bytes,
    apart: row.apart === 1,
    state: row.state
  }
}

function wrongFormat(file: string): StorageError {
  return new StorageError(
    'STORAGE_FORMAT',
    `${file} is not a store of this version of datdot; choose another folder.`
  )
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
