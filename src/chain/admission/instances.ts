import { equal } from '../../bytes.js'
import type { Clock } from '../../clock.js'
import { SwarmError } from '../../errors.js'

/** A connection as far as it matters here. */
export interface Speaker {
  /** When its end was last heard of. */
  readonly heardAt: number
  readonly closed: boolean
  close(): void
}

interface Spoken {
  instance: Uint8Array
  speaker: Speaker
}

/** Who has something to wait for asks for a sign of life every second: after so long nobody is there. */
const SILENT_MS = 10_000

/**
 * Which copy of an identity's folder speaks, of those that say so. A folder that was copied and runs twice would have two processes
 * answer, refuse and withdraw for one deposit.
 */
export class Instances {
  readonly #clock: Pick<Clock, 'now'>
  readonly #spoken = new Map<string, Spoken>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /**
   * Has a connection speak for a key. What the same copy had before is closed: it was lost, or left behind by a process that ended.
   *
   * @throws SwarmError INSTANCE_ELSEWHERE while another copy is heard
   */
  claim(key: string, instance: Uint8Array, speaker: Speaker): void {
    const before = this.#spoken.get(key)
    if (before && before.speaker !== speaker) {
      const lives = !before.speaker.closed && this.#clock.now() - before.speaker.heardAt < SILENT_MS
      if (lives && !equal(before.instance, instance)) {
        throw new SwarmError(
          'INSTANCE_ELSEWHERE',
          'Another copy of this identity’s folder is connected: stop one of them'
        )
      }
      before.speaker.close()
    }
    this.#spoken.set(key, { instance: Uint8Array.from(instance), speaker })
  }

  /** A connection is gone. */
  forget(key: string, speaker: Speaker): void {
    if (this.#spoken.get(key)?.speaker === speaker) this.#spoken.delete(key)
  }
}
