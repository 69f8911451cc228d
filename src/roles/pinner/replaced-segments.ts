import { CHALLENGES_MAX } from '../../protocol/operations.js'
import type { PinnerStore } from '../../storage/pinner-store.js'
import type { Member } from '../member.js'
import { toHex } from '../../bytes.js'

/**
 * How long chunks are kept that a new segment encodes again: a challenge that was asked before is answered, proven and settled by then,
 * unless the chain is away.
 */
export const REPLACED_KEPT_MS = 1_800_000

/** Deletes what a new segment encodes again, once no challenge can ask for it any more. */
export class ReplacedSegments {
  readonly #member: Member
  readonly #store: PinnerStore
  readonly #keptMs: number
  /** When each was first seen to be replaced. */
  readonly #since = new Map<string, number>()

  constructor(member: Member, store: PinnerStore, keptMs: number) {
    this.#member = member
    this.#store = store
    this.#keptMs = keptMs
  }

  async work(): Promise<void> {
    const { chain, log, options, signal } = this.#member
    const now = options.clock.now()
    const due = this.#store.replaced().filter(({ id }) => {
      const since = this.#since.get(toHex(id)) ?? now
      this.#since.set(toHex(id), since)
      return now - since >= this.#keptMs
    })
    if (due.length === 0) return
    const asked = [
      ...(await chain.challenges(CHALLENGES_MAX, { signal })),
      ...(await chain.evidenceDue(CHALLENGES_MAX, { signal }))
    ]
    if (asked.length >= CHALLENGES_MAX) return
    const needed = new Set(asked.flatMap(({ segments }) => segments.map(({ id }) => toHex(id))))
    for (const { key, id } of due) {
      if (needed.has(toHex(id))) continue
      await this.#store.dropReplaced(key, id)
      this.#since.delete(toHex(id))
      log('pinner.replaced-dropped', { key, segment: id })
    }
  }
}
