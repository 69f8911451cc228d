import { toHex } from '../../../src/bytes.js'
import { ChainError } from '../../../src/errors.js'
import type { LedgerApi, SubmitResult } from '../../../src/ledger/types.js'
import { decodeOperation, type Kind } from '../../../src/protocol/operations.js'
import { pause } from '../../../src/wait.js'
import type { Operator } from '../chain.js'

/** Hands a ledger on with one of its methods replaced. */
function instead(ledger: LedgerApi, submit: LedgerApi['submit']): LedgerApi {
  return new Proxy(ledger, {
    get: (target, name) => (name === 'submit' ? submit : (Reflect.get(target, name) as unknown))
  })
}

function isOf(wire: Uint8Array, victim: Uint8Array, kinds: readonly Kind[]): boolean {
  try {
    const { sender, kind } = decodeOperation(wire)
    return toHex(sender) === toHex(victim) && kinds.includes(kind)
  } catch {
    return false
  }
}

/** Says that it is busy whenever a certain member sends something of these kinds. */
export function dropping(victim: () => Uint8Array, kinds: readonly Kind[]): Operator {
  return (ledger) =>
    instead(ledger, async (wires, verified) => {
      const kept = wires.filter((wire) => !isOf(wire, victim(), kinds))
      if (kept.length === wires.length) return ledger.submit(wires, verified)
      const results = kept.length > 0 ? await ledger.submit(kept) : []
      const busy = new ChainError('CHAIN_BUSY', 'the chain is busy')
      return wires.map((wire): SubmitResult => {
        return isOf(wire, victim(), kinds) ? { ok: false, error: busy } : results.shift()!
      })
    })
}

/** Keeps what a certain member sends back for a while. */
export function delaying(victim: () => Uint8Array, kinds: readonly Kind[], ms: number): Operator {
  return (ledger, { options: { clock }, signal }) =>
    instead(ledger, async (wires, verified) => {
      if (wires.some((wire) => isOf(wire, victim(), kinds))) {
        await pause(clock, ms, signal)
      }
      return ledger.submit(wires, verified)
    })
}

/** Applies what comes together in another order. */
export const reordering: Operator = (ledger) =>
  instead(ledger, async (wires, verified) => {
    const turned = await ledger.submit([...wires].reverse(), verified && Uint8Array.from(verified).reverse())
    return turned.reverse()
  })
