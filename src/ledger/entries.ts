import { encodeEntry } from '../protocol/entry.js'
import type { Database, Row } from './database.js'

/** Entries of a ledger's file from `from` on, in order, as they are published. */
export function entriesFrom(db: Database, from: number, limit: number): Uint8Array[] {
  return db
    .all(
      `SELECT e.*, d.bytes AS detail FROM entries e LEFT JOIN details d ON d.seq = e.seq
       WHERE e.seq >= ? AND e.seq < ? ORDER BY e.seq`,
      from,
      from + limit
    )
    .map(entryBytes)
}

/** An entry as it is published, from its row and that of its detail. */
export function entryBytes(row: Row): Uint8Array {
  const core = row.operation as Buffer
  return encodeEntry({
    seq: Number(row.seq),
    at: Number(row.at),
    clock: Number(row.clock),
    arrived: row.arrived === null ? null : Number(row.arrived),
    rules: Number(row.rules),
    operation: row.detail ? Buffer.concat([core, row.detail as Buffer]) : core,
    effectsHash: row.effects_hash as Buffer,
    hash: row.hash as Buffer
  })
}
