import { ChainError } from '../errors.js'
import { decodeOperation, openKinds } from '../protocol/operations.js'
import { toHex } from '../bytes.js'
import { accountUnknown, nonceWrong } from './apply/apply.js'
import { unitsOf } from './rules/cost.js'
import type { State } from './state.js'
import type { Screened } from './types.js'

/** Says of operations, in the order in which they came, which are refused before a signature is checked. */
export function screen(state: State, wires: readonly Uint8Array[], origins: readonly number[]): Screened[] {
  /** Operations of a sender that came before from the same origin, and may be applied. */
  const before = new Map<string, number>()
  return wires.map((wire, i) => {
    try {
      const operation = decodeOperation(wire)
      if (operation.kind === 'genesis') return { error: null, units: 1 }
      const account = state.wallet(operation.sender)
      if (!account && !openKinds.has(operation.kind)) throw accountUnknown()
      const key = `${origins[i] ?? 0} ${toHex(operation.sender)}`
      const ahead = before.get(key) ?? 0
      const nonce = account?.nonce ?? 0
      if (operation.nonce < nonce || operation.nonce > nonce + ahead) throw nonceWrong(nonce, operation.nonce)
      before.set(key, ahead + 1)
      return { error: null, units: unitsOf(operation, state.parameters) }
    } catch (error) {
      if (error instanceof ChainError) return { error, units: 1 }
      throw error
    }
  })
}
