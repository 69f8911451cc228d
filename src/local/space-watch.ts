import { diskFreeBytes } from '../disk-space.js'
import type { Clock, Timer } from '../clock.js'
import { Resource } from '../lifecycle.js'
import { folderFull } from '../roles/data-folder.js'

/** Below this much free space nothing new is begun. */
const LEAST_FREE_BYTES = 32 << 20
const SPACE_EVERY_MS = 250

/** Looks at the free space of a folder's disk until there is hardly any left; then `full` is aborted. */
export class SpaceWatch extends Resource {
  readonly #folder: string
  readonly #clock: Clock
  readonly #full = new AbortController()
  #timer: Timer | undefined

  constructor(folder: string, clock: Clock) {
    super()
    this.#folder = folder
    this.#clock = clock
  }

  get full(): AbortSignal {
    return this.#full.signal
  }

  protected start(): Promise<void> {
    this.#timer = this.#clock.every(SPACE_EVERY_MS, () => void this.look()).unref()
    this.owe('timer', () => this.#timer?.cancel())
    return Promise.resolve()
  }

  async look(): Promise<void> {
    const free = await diskFreeBytes(this.#folder)
    if (!this.signal.aborted && free < LEAST_FREE_BYTES) this.#full.abort(folderFull(this.#folder))
  }
}
