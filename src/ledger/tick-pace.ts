/** Steps of a tick at first, at the least and at the most. */
const FIRST = 250
const LEAST = 16
const MOST = 2_000
/** What a tick is to take: below 50 ms also where its steps are twice as dear as those of the one before. */
const AIM_MS = 20

/** How many steps of what is due a tick does, by how long the ticks before it took. What one leaves over the next goes on with. */
export class TickPace {
  #work = FIRST

  get work(): number {
    return this.#work
  }

  /** @param did steps that a tick did of those that it was allowed */
  took(ms: number, did: number, allowed: number): void {
    if (ms > AIM_MS) this.#work = Math.max(LEAST, Math.floor((Math.max(1, did) * AIM_MS) / ms))
    // Slowly: the next steps may be of another kind.
    else if (did >= allowed && ms < AIM_MS / 2) this.#work = Math.min(MOST, Math.ceil(allowed * 1.25))
  }
}
