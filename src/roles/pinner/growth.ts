import { equal, toHex } from '../../bytes.js'
import { DatdotError, type ErrorCode } from '../../errors.js'
import type { ForkProof } from '../../protocol/fork-proof.js'
import type { HypercoreView } from '../../protocol/views.js'
import { feeOf } from '../../ledger/rules/fees.js'
import { growthWaitMs } from '../../ledger/rules/growth.js'
import { encodeOriginal, type SignedOriginal } from '../../storage/original.js'
import { Wakeup } from '../../wait.js'
import { hasCode, type Member } from '../member.js'

/** Looks at what the chain knows again: others send what has grown too. */
const LOOK_MS = 60_000
/** Every further pinner of a hypercore lets those before it send first for so long. */
const TURN_MS = 5_000
/** Asks again after the chain could not take a growth, or not be asked. */
const AGAIN_MS = 10_000

/** What the chain will never take of it. */
const NEVER: readonly ErrorCode[] = [
  'PLAN_EXCEEDED',
  'ORIGINAL_INVALID',
  'HYPERCORE_CONFLICTED',
  'FORK_OLD',
  'FORK_PROOF_SHAPE',
  'FORK_PROOF_HASH'
]

/** A hypercore whose author has signed more than the chain knows of. */
interface Grown {
  newest: SignedOriginal
  /** How much it leaves of what the chain has on record, where it is of a newer fork. */
  proof: ForkProof | undefined
  readonly changed: Wakeup
  /** From so many bytes on it need not be gathered: worth a look before its time. */
  enoughBytes: number
  /** Why it waits, as it was logged last. */
  told: string | undefined
}

/** Has the chain know what authors have appended, once it takes a growth (src/ledger/rules/growth.ts): their signature is all that it needs. */
export class Growth {
  readonly #member: Member
  readonly #grown = new Map<string, Grown>()

  constructor(member: Member) {
    this.#member = member
  }

  /** An author has signed this, and every block of it has been here; `proof`: it is of a newer fork than what is held. */
  seen(original: SignedOriginal, proof?: ForkProof): void {
    const id = toHex(original.key)
    const grown = this.#grown.get(id)
    if (grown) {
      grown.newest = original
      grown.proof = proof
      if (original.byteLength >= grown.enoughBytes) grown.changed.wake()
      return
    }
    this.#grown.set(id, {
      newest: original,
      proof,
      changed: new Wakeup(),
      enoughBytes: Infinity,
      told: undefined
    })
    this.#member.run(`growth ${id}`, () => this.#send(id))
  }

  /** The hypercore is held no more. */
  forget(key: Uint8Array): void {
    const id = toHex(key)
    const grown = this.#grown.get(id)
    this.#grown.delete(id)
    grown?.changed.wake()
  }

  /** Goes on until the chain knows all that is known here. */
  async #send(id: string): Promise<void> {
    const { signal } = this.#member
    const { clock } = this.#member.options
    for (let grown = this.#grown.get(id); grown && !signal.aborted; grown = this.#grown.get(id)) {
      const waitMs = await this.#step(grown).catch((error: unknown) => {
        signal.throwIfAborted()
        const code = codeOf(error)
        this.#tell(grown, code)
        return hasCode(error, ...NEVER) ? null : AGAIN_MS
      })
      if (waitMs === null && this.#grown.get(id) === grown) this.#grown.delete(id)
      else if (waitMs !== null && waitMs > 0) await grown.changed.wait(clock, waitMs, signal)
    }
  }

  /** Sends a growth if it is due. Returns how long to wait before another look, null if there is nothing to send. */
  async #step(grown: Grown): Promise<number | null> {
    const { chain, signal, log } = this.#member
    const { newest } = grown
    const view = await chain.hypercore(newest.key, { signal })
    if (!view || view.state === 'lapsed') return null
    if (newest.fork > view.fork) return this.#follow(grown, view)
    if (newest.fork !== view.fork || newest.length <= view.length) return null
    const { parameters, clockNow } = await chain.info({ signal })
    const { held, place } = this.#placeIn(view)
    const bytes = newest.byteLength - view.byteLength
    grown.enoughBytes = view.byteLength + parameters.growthBytes
    // Where no copy is held nothing is for growth: who sends it would pay.
    if (held.length === 0) return LOOK_MS
    const body = { key: newest.key, original: encodeOriginal(newest) }
    const growth = {
      bytes,
      blocks: newest.length - view.length,
      ageMs: clockNow - view.grownClock,
      copies: held.map((copy) => copy.bytes),
      every: view.plan.every,
      fee: feeOf({ kind: 'extend', body }, parameters)
    }
    const waitMs = growthWaitMs(growth, parameters)
    if (waitMs > 0) return Math.min(LOOK_MS, waitMs + Math.max(0, place) * TURN_MS)
    if (place > 0 && (await this.#others(newest, place))) return 0
    await chain.extend(body)
    grown.told = undefined
    log('pinner.extended', { key: newest.key, end: newest.length })
    return 0
  }

  /** Sends a fork if it is due, as a growth. */
  async #follow({ newest, proof }: Grown, view: HypercoreView): Promise<number | null> {
    const { chain, signal, log } = this.#member
    const { key, fork, length } = newest
    if (!proof) return null
    const { held, place } = this.#placeIn(view)
    if (held.length === 0) return LOOK_MS
    const { waits } = view
    if (waits?.fork === fork && waits.until > (await chain.info({ signal })).clockNow) return LOOK_MS
    if (place > 0 && (await this.#others(newest, place))) return 0
    const { proof: seen } = this.#grown.get(toHex(key)) ?? {}
    if (seen !== proof) return 0
    await chain.fork({ key, original: encodeOriginal(newest), proof })
    log('pinner.forked', { key, fork, end: length, kept: proof.kept })
    return 0
  }

  /** The copies of a hypercore that are held, and which of them is this pinner's. */
  #placeIn(view: HypercoreView): { held: HypercoreView['copies']; place: number } {
    const { keyPair } = this.#member
    const held = view.copies.filter(({ state }) => state === 'active')
    const place = held.findIndex(({ pinner }) => pinner !== null && equal(pinner, keyPair.publicKey))
    return { held, place }
  }

  /** Whether a pinner whose turn was before has sent it meanwhile. */
  async #others({ key, fork, length }: SignedOriginal, place: number): Promise<boolean> {
    const { chain, signal } = this.#member
    await this.#member.pause(place * TURN_MS)
    const view = await chain.hypercore(key, { signal })
    return (
      !view || view.fork > fork || (view.fork === fork && view.length >= length) || view.waits?.fork === fork
    )
  }

  #tell(grown: Grown, code: string): void {
    if (grown.told === code) return
    grown.told = code
    this.#member.log('pinner.growth-waits', { key: grown.newest.key, end: grown.newest.length, code })
  }
}

function codeOf(error: unknown): string {
  if (error instanceof DatdotError) return error.code
  return error instanceof Error ? error.message : String(error)
}
