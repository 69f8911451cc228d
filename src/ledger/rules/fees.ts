import { encodedBytes, type Type } from '../../protocol/codec.js'
import { bodies, chainKinds, owedKinds, type Kind, type Statement } from '../../protocol/operations.js'
import type { Parameters } from '../../protocol/parameters.js'
import { unitsOf } from './cost.js'

/** What an operation has beside its body, at most: version, sender, nonce, anchor, kind, signature. So a fee is known before it is signed. */
const HEAD_BYTES = 1 + 32 + 9 + (9 + 32) + 1 + 64

/**
 * Where the fee of an operation comes from: of those that nobody asked for the `sender`'s wallet; for what an empty wallet must be able to do too the
 * `deposit` or the `bounty` that it is about, of a growth the `hypercore`. `null`: free, since it is owed, the chain's own, or paid in work (`commitFactor`).
 */
export type FeePayer = 'sender' | 'deposit' | 'bounty' | 'hypercore' | null

export function feePayer(kind: Kind): FeePayer {
  if (chainKinds.has(kind) || owedKinds.has(kind)) return null
  switch (kind) {
    case 'commitFactor':
      return null
    case 'register':
    case 'retire':
    case 'pause':
      return 'deposit'
    case 'claimFactor':
    case 'claimRoot':
      return 'bounty'
    case 'extend':
    case 'fork':
      return 'hypercore'
    default:
      return 'sender'
  }
}

/** The fee of an operation, by its bytes and cost units; 0 for what is free. Depends on nothing but what is signed and the parameters. */
export function feeOf(statement: Statement, p: Parameters): bigint {
  if (feePayer(statement.kind) === null) return 0n
  const body = encodedBytes(bodies[statement.kind] as Type<unknown>, statement.body)
  return p.feePerUnit * BigInt(unitsOf(statement, p)) + p.feePerByte * BigInt(HEAD_BYTES + body)
}
