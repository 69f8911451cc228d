import type { Effect } from '../../protocol/effects.js'
import type { AssignmentView, HypercoreView } from '../../protocol/views.js'
import type { PinnerStore } from '../../storage/pinner-store.js'
import type { Member } from '../member.js'
import { equal, toHex } from '../../bytes.js'

/** Hypercores that are asked about in one call to work, so that challenges need not wait for all of them. */
const ASKED_AT_ONCE = 16
/** How much larger than the plain bytes the encoded ones may be; more is a copy of very small blocks. */
const ENCODED_PER_PLAIN = 2

/**
 * What the chain wants of the bytes that a pinner has of a hypercore. `own`: they are of a live copy of its own. `drawn`: it is to
 * keep a new copy, which may come to nothing. `spare`: its copy is lost or released, and no other whole copy is there yet from which
 * it could be made again. `past`: nothing any more.
 */
export type Retention = 'own' | 'drawn' | 'spare' | 'past'

/** Where a pinner stands with a hypercore. One that the chain does not know is kept: not to know is no order to delete. */
export function retentionOf(view: HypercoreView | null, pinner: Uint8Array): Retention {
  if (!view) return 'own'
  const isPinner = (key: Uint8Array | null | undefined): boolean => !!key && equal(key, pinner)
  const own = view.copies.filter((copy) => isPinner(copy.pinner) || isPinner(copy.task?.pinner))
  if (own.length > 0) return own.some(({ state }) => state === 'active') ? 'own' : 'drawn'
  // Nobody pays for another copy of what has lapsed.
  if (view.state === 'lapsed') return 'past'
  const isWhole = view.copies.some(({ state, length }) => state === 'active' && length === view.length)
  return isWhole ? 'past' : 'spare'
}

/** What past copies are deleted with; the pinner owns all of it. */
export interface PastCopiesPorts {
  member: Member
  store: PinnerStore
  /** Deletes a hypercore, unless it has other segments than these by then. */
  forget: (key: Buffer, only: readonly Uint8Array[]) => Promise<void>
}

/**
 * Gives back the disk of copies that were lost or released, also while this pinner was away. The chain ends a copy's
 * challenges with it, so that nothing can ask for its chunks any more; but while no other whole copy is there, a signer may need
 * the plain data for the next one, and it is kept until there is one or its room is needed.
 */
export class PastCopies {
  readonly #member: Member
  readonly #store: PinnerStore
  readonly #forget: PastCopiesPorts['forget']
  /** Keys, in hex, of what may be past. */
  readonly #unsure = new Set<string>()
  /** Keys, in hex, of what is kept as a spare, or until it is clear what a draw comes to; the one that was asked about last comes last. */
  readonly #spare = new Set<string>()

  constructor({ member, store, forget }: PastCopiesPorts) {
    this.#member = member
    this.#store = store
    this.#forget = forget
  }

  /** Is told what happened on the chain; null if something may have been missed. */
  hear(effects: readonly Effect[] | null): void {
    if (effects === null) {
      for (const { key, state } of this.#store.segments()) {
        if (state !== 'pending') this.#unsure.add(toHex(key))
      }
      this.#member.wake()
      return
    }
    for (const effect of effects) {
      if (effect.kind !== 'lost' && effect.kind !== 'released') continue
      if (equal(effect.pinner, this.#member.keyPair.publicKey)) {
        this.#unsure.add(toHex(effect.hypercore))
      }
    }
  }

  /** Asks the chain about what may be past, and deletes what is. */
  async work(assignments: readonly AssignmentView[]): Promise<void> {
    const crowded = this.#isCrowded(assignments)
    const due = [...take(this.#unsure), ...take(this.#spare)]
    for (const id of due) {
      const retention = await this.#settle(Buffer.from(id, 'hex'), crowded)
      this.#unsure.delete(id)
      this.#spare.delete(id)
      if (retention === 'spare' || retention === 'drawn') this.#spare.add(id)
    }
    if (this.#unsure.size > 0 || (crowded && this.#spare.size > 0)) this.#member.wake()
  }

  /** What became of a hypercore: deleted if it is past, or a spare whose room is needed. */
  async #settle(key: Buffer, crowded: boolean): Promise<Retention> {
    const { chain, keyPair, signal } = this.#member
    // Before the chain is asked: what is put in place after its answer was not meant.
    const stored = this.#store.segments(key)
    if (stored.length === 0) return 'past'
    const retention = retentionOf(await chain.hypercore(key, { signal }), keyPair.publicKey)
    if (retention === 'own' || retention === 'drawn' || (retention === 'spare' && !crowded)) return retention
    await this.#forget(
      key,
      stored.map(({ segment }) => segment.id)
    )
    return 'past'
  }

  /** Whether a segment that this pinner is to take may find no room. */
  #isCrowded(assignments: readonly AssignmentView[]): boolean {
    return assignments.some(
      ({ role, byteLength }) => role === 'pinner' && byteLength * ENCODED_PER_PLAIN > this.#store.freeBytes
    )
  }
}

function take(ids: ReadonlySet<string>): string[] {
  return [...ids].slice(0, ASKED_AT_ONCE)
}
