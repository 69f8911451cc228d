import type { DrawObserver } from '../ledger/state.js'

/** Draws, and bytes of their weights, that wait to be taken at the most; the oldest give way. */
const WAITING_MAX = 1_024
const WAITING_BYTES = 16 << 20

/** How a draw came about: with this, the chain's id and the beacon's value anybody makes it again. */
export interface WatchedDraw {
  total: number
  /** Number and weight in turn of all candidates. */
  weights: Uint32Array
  excluded: { candidate: number; key: string }[]
  /** On whom lots fell, in order; all but the last lack room or deposit. */
  lots: { candidate: number; key: string; fits: boolean }[]
}

/** Sees draws while the ledger makes them, and keeps what can be known of them only then, until it is taken. */
export class DrawWatch implements DrawObserver {
  readonly #seen = new Map<number, WatchedDraw>()
  #last: WatchedDraw | undefined
  #bytes = 0

  draw({ draw, total, excluded, out, weights }: Parameters<NonNullable<DrawObserver['draw']>>[0]): void {
    this.#forget(draw)
    const seen: WatchedDraw = {
      total,
      weights: weights(),
      excluded: excluded.map((key, index) => ({ candidate: out[index]!, key: key.toString('hex') })),
      lots: []
    }
    this.#last = seen
    this.#bytes += seen.weights.byteLength
    this.#seen.set(draw, seen)
    for (const old of this.#seen.keys()) {
      if (this.#seen.size <= WAITING_MAX && this.#bytes <= WAITING_BYTES) break
      this.#forget(old)
    }
  }

  lot({ candidate, key, fits }: Parameters<NonNullable<DrawObserver['lot']>>[0]): void {
    this.#last?.lots.push({ candidate, key: key.toString('hex'), fits })
  }

  /** What was seen since this was asked last, by draw. The same number stands for earlier tries that found nobody. */
  taken(): [draw: number, seen: WatchedDraw][] {
    const all = [...this.#seen].filter(([, { lots }]) => lots.at(-1)?.fits)
    for (const [draw] of all) this.#forget(draw)
    return all
  }

  #forget(draw: number): void {
    this.#bytes -= this.#seen.get(draw)?.weights.byteLength ?? 0
    this.#seen.delete(draw)
  }
}
