import type { Clock, Timer } from '../clock.js'

/** Time that work on a draw has to end by itself once the draw is over: a verdict may be on its way. */
const GRACE_MS = 10_000

/** Ends work on draws that are over: a peer could go on with a transfer for ever, as long as it sends a little now and then. */
export class OverdueDraws {
  readonly #timers = new Map<number, Timer>()
  readonly #clock: Clock
  readonly #graceMs: number

  constructor(clock: Clock, graceMs = GRACE_MS) {
    this.#clock = clock
    this.#graceMs = graceMs
  }

  /**
   * To be called whenever it is known which draws are open. A draw that began meanwhile may be missing in `open`; the
   * next look sees it.
   *
   * @param working draws that are worked on
   * @param stop ends the work on one; it may have ended already
   */
  look(open: ReadonlySet<number>, working: ReadonlySet<number>, stop: (draw: number) => void): void {
    for (const draw of working) {
      if (open.has(draw) || this.#timers.has(draw)) continue
      const timer = this.#clock.after(this.#graceMs, () => {
        this.#timers.delete(draw)
        stop(draw)
      })
      this.#timers.set(draw, timer.unref())
    }
    for (const [draw, timer] of this.#timers) {
      if (working.has(draw) && !open.has(draw)) continue
      timer.cancel()
      this.#timers.delete(draw)
    }
  }
  /** Nothing is ended any more. */
  close(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }
}
