import { encode as keyOf } from 'hypercore-id-encoding'
import { toHex } from '../../bytes.js'
import { roundDue, encodedBytesMax } from '../../ledger/rules/economics.js'
import type { Parameters } from '../../protocol/parameters.js'
import type { CopyView, HypercoreView } from '../../protocol/views.js'
import type { HistoryFile } from '../history/rows.js'
import { pastChallenges, pastChecks, provenAt } from '../history/lists.js'
import type { CopyAnswer, HypercoreAnswer } from './shapes.js'

const DAY_MS = 86_400_000

/** `null` stays. */
export const keyOrNull = (key: Uint8Array | null): string | null =>
  key === null ? null : keyOf(Buffer.from(key))
export const named = (key: Uint8Array): string => keyOf(Buffer.from(key))
export const hexOrNull = (bytes: Uint8Array | null): string | null => (bytes === null ? null : toHex(bytes))

/** How well a copy does, in one word. @param p the chain's: what comes to a failure */
function healthOf(copy: CopyView, proven: number | null, p: Parameters): CopyAnswer['health'] {
  if (copy.state !== 'active') return copy.state
  if (copy.score >= p.failureForgivenBy) return 'failing'
  return proven === null ? 'unproven' : 'proven'
}

/**
 * When the balance is used up if all that is due is paid in full: Y of storage and retrieval, and Z, at R = 1. Growth and copies that are
 * still to be made come on top.
 */
export function outlookOf(h: HypercoreView, at: number, p: Parameters): HypercoreAnswer['outlook'] {
  const planned = encodedBytesMax(h.byteLength, h.length)
  const held = h.copies.filter(({ state }) => state === 'active').map(({ bytes }) => bytes)
  while (held.length < Math.min(h.wanted, p.copiesMax)) held.push(planned)
  const round = roundDue(held, h.plan.every, p)
  const roundMs = BigInt(h.plan.every) * BigInt(p.epochMs)
  const eachDay = (round * BigInt(DAY_MS)) / roundMs
  if (eachDay === 0n) return { dueEachDay: '0', runsOutAt: null, days: null }
  // In thousandths: a day of the fastest networks is a fraction of one.
  const days = Number((h.balance * 1_000n) / eachDay) / 1_000
  const runsOutAt = Math.min(at + Math.floor(days * DAY_MS), Number.MAX_SAFE_INTEGER)
  return { dueEachDay: eachDay.toString(), runsOutAt, days }
}

/** @param segments most that are told of, the newest */
export function copyAnswer(file: HistoryFile, copy: CopyView, segments: number, p: Parameters): CopyAnswer {
  const [challenge] = pastChallenges(file, { copy: copy.id }, { before: null, limit: 8 }).filter(
    ({ answerMs }) => answerMs !== null
  )
  const [check] = pastChecks(file, { copy: copy.id }, { before: null, limit: 1 })
  const proven = provenAt(file, copy.id)
  return {
    id: copy.id,
    hypercore: named(copy.hypercore),
    state: copy.state,
    health: healthOf(copy, proven, p),
    pinner: keyOrNull(copy.pinner),
    length: copy.length,
    bytes: copy.bytes,
    score: copy.score,
    provenAt: proven,
    answerMs: challenge?.answerMs ?? null,
    firstByteUs: check?.firstByteUs ?? null,
    bytesPerSecond: check?.bytesPerSecond ?? null,
    checkedAt: check?.at ?? null,
    task: copy.task && {
      id: copy.task.id,
      state: copy.task.state,
      start: copy.task.start,
      end: copy.task.end,
      draw: copy.task.draw,
      pinner: keyOrNull(copy.task.pinner),
      signer: keyOrNull(copy.task.signer)
    },
    segmentCount: copy.segments.length,
    segments: copy.segments.slice(-segments).map((segment) => ({
      segment: segment.segment,
      signer: named(segment.signer),
      codec: segment.codec,
      start: segment.start,
      end: segment.end,
      bytes: segment.bytes,
      root: toHex(segment.root),
      draw: segment.draw,
      unpaid: segment.reserved.toString()
    }))
  }
}

/** How many copies are whole and have passed their last challenge, how many there are, and when the one longest unproven was proven. */
export function provenOf(
  file: HistoryFile,
  h: HypercoreView,
  p: Parameters
): { healthy: number; live: number; provenAt: number | null } {
  const active = h.copies.filter(({ state }) => state === 'active')
  const proven = active
    .map((copy) => ({ copy, at: provenAt(file, copy.id) }))
    .filter(({ copy, at }) => healthOf(copy, at, p) === 'proven')
  const times = proven.map(({ at }) => at!)
  return {
    healthy: proven.length,
    live: h.copies.length,
    provenAt: times.length > 0 ? Math.min(...times) : null
  }
}
