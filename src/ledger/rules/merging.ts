import { PPM, type Parameters } from '../../protocol/parameters.js'
import { roundDue } from './economics.js'

/** Most segments of a copy, as long as there is one that may be merged: no growth is encoded beyond them. Part of the rules. */
export const COPY_SEGMENTS_MAX = 40

/** Longest that a merge puts the next growth off: a year. */
const SPENT_MS_MAX = 31_536_000_000

/** A segment of a copy, in its order. */
export interface Neighbour {
  /** Encoded bytes. */
  bytes: number
  /** Whether it ends where the author has signed a length: what is encoded as one must. */
  whole: boolean
}

/**
 * Which segments of a copy are to be encoded as one, like the digits of a binary counter that carries: from the last one that may be back, each that
 * has at most twice the bytes of all behind it. So what stays is more than twice as large as what follows, and a byte is encoded again only as its segment
 * grows by half, or as the newest. Of a copy with `COPY_SEGMENTS_MAX` of which none is like that: the two neighbours with the fewest bytes.
 *
 * @returns the places of the first and of the last; null if there is nothing to merge
 */
export function mergeOf(segments: readonly Neighbour[]): { first: number; last: number } | null {
  const last = segments.findLastIndex(({ whole }) => whole)
  let first = last
  let bytes = segments[last]?.bytes ?? 0
  for (; first > 0 && segments[first - 1]!.bytes <= 2 * bytes; first--) bytes += segments[first - 1]!.bytes
  if (first < last) return { first, last }
  if (segments.length < COPY_SEGMENTS_MAX) return null
  let least: { first: number; last: number } | null = null
  let leastBytes = Infinity
  for (let at = 1; at <= last; at++) {
    const both = segments[at - 1]!.bytes + segments[at]!.bytes
    if (!segments[at]!.whole || both >= leastBytes) continue
    least = { first: at - 1, last: at }
    leastBytes = both
  }
  return least
}

/** How much of the time for which growth is gathered a merge uses up: that in which what is due on the copies pays for it, by the share that growth has. */
export function mergedMs(
  { price, copies, every }: { price: bigint; copies: readonly number[]; every: number },
  p: Parameters
): number {
  const share = roundDue(copies, every, p) * BigInt(p.growthSharePpm)
  if (share === 0n) return 0
  const roundMs = BigInt(every) * BigInt(p.epochMs)
  const spent = (price * roundMs * BigInt(PPM) + share - 1n) / share
  return spent < BigInt(SPENT_MS_MAX) ? Number(spent) : SPENT_MS_MAX
}
