import blakeHash from '@napi-rs/blake-hash'
import type { Database } from './database.js'
import { stateTables } from './schema.js'

const { Blake3Hasher } = blakeHash
const FLUSH_BYTES = 1 << 16

/**
 * BLAKE3 over all rows of all state tables in the order of their keys: per table its name, per row its values, each with a tag and, for
 * bytes, a length. Equal states have equal hashes; row ids and file layout do not matter.
 *
 * @param only the hash of this table alone
 */
export function hashState(db: Database, only?: string): Buffer {
  const hasher = new Blake3Hasher()
  let parts: Buffer[] = []
  let size = 0
  const add = (part: Buffer) => {
    parts.push(part)
    size += part.byteLength
    if (size < FLUSH_BYTES) return
    hasher.update(Buffer.concat(parts))
    parts = []
    size = 0
  }
  for (const [table, order] of stateTables) {
    if (only !== undefined && table !== only) continue
    add(Buffer.from(`\0${table}\0`))
    // What compaction moved out of the postings is no part of the state.
    const columns = db
      .all(`SELECT name FROM pragma_table_info('${table}')`)
      .map(({ name }) => name as unknown as string)
      .filter((name) => name !== 'archived')
    for (const row of db.iterate(`SELECT ${columns.join(', ')} FROM ${table} ORDER BY ${order}`)) {
      for (const column of columns) add(valueBytes(row[column]!))
    }
  }
  hasher.update(Buffer.concat(parts))
  return hasher.digestBuffer()
}

function valueBytes(value: bigint | Buffer | null): Buffer {
  if (value === null) return Buffer.of(0)
  const out = Buffer.allocUnsafe(9)
  if (typeof value === 'bigint') {
    out[0] = 1
    out.writeBigInt64LE(value, 1)
    return out
  }
  out[0] = 2
  out.writeBigUInt64LE(BigInt(value.byteLength), 1)
  return Buffer.concat([out, value])
}
