import { toHex } from '../../../src/bytes.js'
import { ChainError } from '../../../src/errors.js'
import type { ArrivalTimes, LedgerApi, SubmitResult } from '../../../src/ledger/types.js'
import { decodeOperation, type Kind } from '../../../src/protocol/operations.js'
import { pause } from '../../../src/wait.js'
import type { Operator } from '../chain.js'

/** Hands a ledger on with one of its methods replaced. */
function instead(ledger: LedgerApi, submit: LedgerApi['submit']): LedgerApi {
  return new Proxy(ledger, {
    get: (target, name) => (name === 'submit' ? submit : (Reflect.get(target, name) as unknown))
  })
}

/** When the operations at these places came; they are all taken, however long that takes. */
function at(when: ArrivalTimes | undefined, places: readonly number[]): ArrivalTimes {
  const { now, arrived } = when ?? {}
  return {
    ...(now === undefined ? {} : { now }),
    ...(arrived ? { arrived: places.map((place) => arrived[place]!) } : {})
  }
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
    instead(ledger, async (wires, verified, when) => {
      const places = [...wires.keys()].filter((place) => !isOf(wires[place]!, victim(), kinds))
      if (places.length === wires.length) return ledger.submit(wires, verified, when)
      const kept = places.map((place) => wires[place]!)
      const results = kept.length > 0 ? await ledger.submit(kept, undefined, at(when, places)) : []
      const busy = new ChainError('CHAIN_BUSY', 'the chain is busy')
      return wires.map((wire): SubmitResult => {
        return isOf(wire, victim(), kinds) ? { ok: false, error: busy } : results.shift()!
      })
    })
}

/** Keeps what a certain member sends back for a while. */
export function delaying(victim: () => Uint8Array, kinds: readonly Kind[], ms: number): Operator {
  return (ledger, { options: { clock }, signal }) =>
    instead(ledger, async (wires, verified, when) => {
      if (wires.some((wire) => isOf(wire, victim(), kinds))) {
        await pause(clock, ms, signal)
      }
      return ledger.submit(wires, verified, when)
    })
}

/** Tells what its beacon will show. */
export function foretelling(told: { value?: (round: number) => Uint8Array }): Operator {
  return (ledger, { beacon }) => {
    told.value = (round) => beacon.value(round)
    return ledger
  }
}

/** Applies what comes together in another order. */
export const reordering: Operator = (ledger) =>
  instead(ledger, async (wires, verified, when) => {
    const places = [...wires.keys()].reverse()
    const turned = places.map((place) => wires[place]!)
    const results = await ledger.submit(
      turned,
      verified && Uint8Array.from(verified).reverse(),
      at(when, places)
    )
    return results.reverse()
  })
