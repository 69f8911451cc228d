import { sharedFactors } from '../crypto/batch-gcd.js'
import { bigintOf } from '../crypto/rsa-key.js'
import type { Database } from '../ledger/database.js'

/** Most moduli that are held against each other: some ten seconds. */
const MODULI_MAX = 4_096

/** One of them: who shows the factor with its hash (`datdot claim-bounty`) gets half of what its signer has locked. */
export interface SharedPrime {
  copy: number
  segment: number
  /** segmentHash of its record. */
  hash: Uint8Array
  /** A factor of its modulus; the modulus itself if another segment has it too. */
  factor: bigint
}

/** What was found of the moduli of live `seal` segments. */
export interface ModuliReport {
  /** Held against each other, the newest if there are more. */
  checked: number
  left: number
  /** Segments that share a prime with another: whoever looks can seal them again on demand. */
  shared: SharedPrime[]
}

/** Looks for primes that the moduli of live segments share. No fault of the log: its rules do not ask for it. */
export function sharedModuli(db: Database): ModuliReport {
  const live =
    'FROM segments s JOIN copies c ON c.id = s.copy WHERE s.codec = 1 AND c.state < 2 AND s.replaced_by IS NULL'
  const rows = db.all(
    `SELECT s.copy, s.segment, s.hash, s.public_key ${live} ORDER BY s.draw DESC LIMIT ?`,
    MODULI_MAX
  )
  const count = Number(db.get(`SELECT count(*) AS n ${live}`)!.n)
  const found = sharedFactors(rows.map((row) => bigintOf(row.public_key as Buffer)))
  const shared = found.map(({ index, factor }) => ({
    copy: Number(rows[index]!.copy),
    segment: Number(rows[index]!.segment),
    hash: rows[index]!.hash as Buffer,
    factor
  }))
  return { checked: rows.length, left: count - rows.length, shared }
}
