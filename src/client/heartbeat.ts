import type { Clock } from '../clock.js'
import type { ClientChannel } from '../swarm/rpc-channel.js'

/** How often it is looked whether the other end was heard. */
export const LOOK_MS = 250
/** Who owes an answer and was not heard for so long is asked for a sign of life, … */
const QUIET_MS = 750
/** … and counts as silent when that does not come within so long. */
const PATIENCE_MS = 500

/** Whether the other end of a channel still lives while an answer is awaited: a process that was killed closes nothing. */
export class Heartbeat {
  readonly #channel: Pick<ClientChannel, 'heardAt' | 'waiting' | 'beat'>
  readonly #clock: Pick<Clock, 'now'>
  #lookedAt: number
  /** When it was asked for, of a sign of life that has not come; null if none is awaited. */
  #askedAt: number | null = null
  #quietSince: number

  constructor(channel: Pick<ClientChannel, 'heardAt' | 'waiting' | 'beat'>, clock: Pick<Clock, 'now'>) {
    this.#channel = channel
    this.#clock = clock
    this.#lookedAt = this.#quietSince = clock.now()
  }

  /** To be asked every LOOK_MS: whether the other end is silent. Asks it for a sign of life when it is time. */
  silent(): boolean {
    const now = this.#clock.now()
    // What came while this process stood still has not been read yet.
    const stoodStill = now - this.#lookedAt > 2 * LOOK_MS
    this.#lookedAt = now
    const { heardAt, waiting } = this.#channel
    if (!waiting || stoodStill || (this.#askedAt !== null && heardAt >= this.#askedAt)) {
      this.#quietSince = now
      this.#askedAt = null
      return false
    }
    if (this.#askedAt !== null) return now - this.#askedAt >= PATIENCE_MS
    if (now - Math.max(heardAt, this.#quietSince) < QUIET_MS) return false
    this.#channel.beat()
    this.#askedAt = now
    return false
  }
}
