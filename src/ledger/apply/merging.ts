import { roundDue, segmentPrice } from '../rules/economics.js'
import { mergedMs, mergeOf, COPY_SEGMENTS_MAX, type Neighbour } from '../rules/merging.js'
import { liveCopies, type Copy, type Hypercore } from '../rows.js'
import type { State } from '../state.js'
import { renew, segmentsIn } from './renewal.js'

// Merging: what came in many small segments is encoded again as one, so that a copy that grows for years has few.

/** Whether a copy has as many segments as it may, and some of them are to be one before there are more. */
export function isFull(state: State, copy: Copy): boolean {
  if (copy.segments < COPY_SEGMENTS_MAX) return false
  const segments = neighboursOf(state, copy)
  return segments.length >= COPY_SEGMENTS_MAX && mergeOf(segments) !== null
}

/** Asks for segments of a copy to be encoded as one, if it is time for that and the balance pays for it and what is due on all copies beyond. */
export function merge(state: State, hypercore: Hypercore, copy: Copy): void {
  if (copy.state !== 1 || copy.segments < 2 || copy.unpaid > 0) return
  const segments = neighboursOf(state, copy)
  const range = mergeOf(segments)
  if (!range) return
  const p = state.parameters
  const bytes = segments.slice(range.first, range.last + 1).reduce((sum, segment) => sum + segment.bytes, 0)
  const rounds = Math.ceil(p.graceEpochs / hypercore.every)
  const due = BigInt(rounds) * roundDue(heldBytes(state, hypercore), hypercore.every, p)
  if (state.account(hypercore.account).balance < segmentPrice(bytes, p) + due) return
  const { start } = segments[range.first]!
  const { end } = segments[range.last]!
  renew(state, copy, { start, end }, 'merge')
}

/** What a merge cost is gone from what growth may cost: the next growth waits for as long. */
export function chargeGrowth(state: State, hypercore: Hypercore, price: bigint): void {
  const { every } = hypercore
  const spent = mergedMs({ price, copies: heldBytes(state, hypercore), every }, state.parameters)
  state.db.run('UPDATE hypercores SET grown_clock = grown_clock + ? WHERE id = ?', spent, hypercore.id)
}

function heldBytes(state: State, { id }: Hypercore): number[] {
  return liveCopies(state, id).flatMap((copy) => (copy.state === 1 ? [copy.bytes] : []))
}

function neighboursOf(state: State, copy: Copy): (Neighbour & { start: number; end: number })[] {
  return segmentsIn(state, copy.id, { start: 0, end: copy.length }).map((row) => ({
    start: Number(row.start),
    end: Number(row.end),
    bytes: Number(row.bytes),
    whole: row.signature !== null
  }))
}
