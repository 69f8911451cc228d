import type { Statement } from '../../protocol/operations.js'
import type { Parameters } from '../../protocol/parameters.js'
import { copiesFor } from './economics.js'

/** What checking the shape of an RSA modulus costs: some 15 ms, where a transfer takes 50 µs. */
const MODULUS_UNITS = 256

/**
 * Cost units of an operation: what it makes every ledger that follows the chain do, one unit for what a transfer does (some 50 µs).
 * Depends on nothing but the operation and the parameters.
 */
export function unitsOf({ kind, body }: Statement, p: Parameters): number {
  switch (kind) {
    case 'sponsor': {
      const { copies, targetPpm } = body.plan
      // The author's signature and the roots; a row and a task for each copy.
      return 4 + (copies > 0 ? Math.min(copies, p.copiesMax) : copiesFor(targetPpm, [], p))
    }
    case 'extend':
      return 4
    case 'fork':
      // … and some 200 hashes of a proof.
      return 6
    case 'conflict':
      // Two of the author's signatures.
      return 4
    case 'register':
    case 'retire':
    case 'pause':
    case 'replaceKey':
    case 'refuse':
      return 2
    case 'deliver':
    case 'accept':
      return body.record.codec === 'seal' ? MODULUS_UNITS : 4
    case 'claimFactor':
    case 'claimRoot':
      // A division, or a public operation; then a task, as for a copy.
      return 8
    case 'answer':
      return 1 + Math.ceil((body.answered.length + body.refused.length) / 4)
    case 'revealReport':
      // Who was to check a copy is drawn again for each.
      return 1 + 2 * body.reports.length
    default:
      return 1
  }
}
