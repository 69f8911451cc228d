import type { ChainClient } from '../client/client.js'
import { roundDue } from '../ledger/rules/economics.js'
import type { EffectBody } from '../protocol/effects.js'
import type { Parameters } from '../protocol/parameters.js'
import type { CopyView, HypercoreView } from '../protocol/views.js'

const DAY_MS = 86_400_000
/** Entries of the log that are looked through for the last outcomes. */
const LOOKED_ENTRIES = 4_096
const LOOK_MS = 30_000

/** What keeping a hypercore comes to in a day, in grains, if all of its copies pass all that they are asked. */
export function costPerDay({ copies, plan }: HypercoreView, p: Parameters): bigint {
  const bytes = copies.filter(({ state }) => state === 'active').map((copy) => copy.bytes)
  const roundMs = BigInt(Math.max(1, plan.every * p.epochMs))
  return (roundDue(bytes, plan.every, p) * BigInt(DAY_MS)) / roundMs
}

/** In how many days the balance is gone at the earliest; null if nothing is paid from it. */
export function daysLeft(view: HypercoreView, p: Parameters): number | null {
  const day = costPerDay(view, p)
  return day === 0n ? null : Number((view.balance * 1_000n) / day) / 1_000
}

/** What a copy last came to. */
export interface LastOutcomes {
  proof: { at: number; outcome: string } | null
  check: ({ at: number } & Pick<EffectBody<'checked'>, 'outcome' | 'firstByteUs' | 'bytesPerSecond'>) | null
}

/** The last outcomes of copies, as far back as the newest entries of the log tell. */
export async function lastOutcomes(
  chain: ChainClient,
  ids: readonly number[],
  signal: AbortSignal
): Promise<Map<number, LastOutcomes>> {
  const found = new Map(ids.map((id): [number, LastOutcomes] => [id, { proof: null, check: null }]))
  const { length } = (await chain.info({ timeoutMs: LOOK_MS, signal })).chain
  const from = Math.max(0, length - LOOKED_ENTRIES)
  for await (const { seq, at, effects } of chain.events({ from, signal })) {
    for (const effect of effects?.effects ?? []) {
      if (effect.kind === 'settled') {
        const last = found.get(effect.copy)
        if (last) last.proof = { at, outcome: effect.outcome }
      } else if (effect.kind === 'checked') {
        const { outcome, firstByteUs, bytesPerSecond } = effect
        const last = found.get(effect.copy)
        if (last) last.check = { at, outcome, firstByteUs, bytesPerSecond }
      }
    }
    if (seq >= length - 1) break
  }
  return found
}

/** What is still to be done for a copy, and why, in words; null if nothing is. */
export function workOf({ state, task, length, segments }: CopyView): string | null {
  if (!task) return null
  const why =
    state === 'pending'
      ? 'is new, or takes the place of a lost one'
      : task.end > length
        ? 'the hypercore has grown'
        : 'it is encoded anew'
  const done = segments.length > 0 ? `, after ${segments.length} segments` : ''
  return `chunks ${task.start} to ${task.end} are ${task.state}${done}: ${why}`
}

/** What the pinners of copies have announced of pauses that are not over, by copy. */
export async function pausesOf(
  chain: ChainClient,
  { copies }: HypercoreView
): Promise<Map<number, { from: number; until: number }>> {
  const found = new Map<number, { from: number; until: number }>()
  for (const { id, pinner } of copies) {
    if (!pinner) continue
    const { roles } = await chain.account(Buffer.from(pinner))
    const pause = roles.find(({ role }) => role === 'pinner')?.pause
    if (pause) found.set(id, pause)
  }
  return found
}

/** What a copy owes since its pinner was away, in words; null if nothing. */
export function owedBy({ missedSince, goneSince, unpaidUntil }: CopyView): string | null {
  if (missedSince !== null) {
    const meanwhile = goneSince === null ? '' : '; another copy is made meanwhile'
    return `    missed since chain time ${missedSince} ms: owes a longer walk before it is paid${meanwhile}`
  }
  return unpaidUntil === null ? null : `    came back: is paid from chain time ${unpaidUntil} ms on`
}
