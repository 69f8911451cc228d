import type { Clock } from '../../src/clock.js'
import type { Ledger } from '../../src/ledger/ledger.js'

/** What changes a ledger. */
const WRITES = ['submit', 'tick', 'settle', 'judge', 'setTime', 'changeParameters'] as const
type Write = (typeof WRITES)[number]

/** One thing that a ledger was told to do, and when. */
export type Step = { [W in Write]: { call: W; args: Parameters<Ledger[W]>; at: number } }[Write]

/** A ledger that says what it was told, once it has done it. */
export function watched(ledger: Ledger, clock: Pick<Clock, 'wall'>, did: (step: Step) => void): Ledger {
  return new Proxy(ledger, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const call = value as (...args: unknown[]) => unknown
      if (!(WRITES as readonly (string | symbol)[]).includes(name)) return call.bind(target)
      return (...args: unknown[]) => {
        const at = clock.wall()
        const before = target.length()
        try {
          return call.apply(target, args)
        } finally {
          if (target.length() !== before) did({ call: name, args, at } as unknown as Step)
        }
      }
    }
  })
}
