import type { Clock } from '../../clock.js'

/** What operations cost: how many, their bytes, and the work that they make (`unitsOf`). */
export interface Amounts {
  operations: number
  bytes: number
  units: number
}

/** How much of each comes back in a second, and how much there is at first and at most. */
export interface Rates {
  perSecond: Readonly<Amounts>
  burst: Readonly<Amounts>
}

/** Those who spent something lately, at most; whoever has all back is forgotten. */
const REMEMBERED = 65_536

const names = ['operations', 'bytes', 'units'] as const

interface Spent extends Amounts {
  at: number
}

/** What each of many may still spend. Who has overspent waits until it has come back. */
export class Allowances {
  readonly #clock: Pick<Clock, 'now'>
  readonly #spent = new Map<string, Spent>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Whether this one has something left of everything. */
  isOpen(key: string, rates: Rates): boolean {
    const spent = this.#now(key, rates)
    return !spent || names.every((name) => spent[name] < rates.burst[name])
  }

  charge(key: string, rates: Rates, amounts: Amounts): void {
    const spent = this.#now(key, rates) ?? { operations: 0, bytes: 0, units: 0, at: this.#clock.now() }
    for (const name of names) spent[name] += amounts[name]
    this.#spent.delete(key)
    this.#spent.set(key, spent)
    // Oldest first: it had the most time to get everything back.
    if (this.#spent.size > REMEMBERED) this.#spent.delete(this.#spent.keys().next().value as string)
  }

  #now(key: string, { perSecond }: Rates): Spent | undefined {
    const spent = this.#spent.get(key)
    if (!spent) return undefined
    const now = this.#clock.now()
    const seconds = Math.max(0, now - spent.at) / 1000
    for (const name of names) spent[name] = Math.max(0, spent[name] - seconds * perSecond[name])
    spent.at = now
    if (names.some((name) => spent[name] > 0)) return spent
    this.#spent.delete(key)
    return undefined
  }
}
