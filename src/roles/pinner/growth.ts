import { equal, toHex } from '../../bytes.js'
import { DatdotError } from '../../errors.js'
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

/** A hypercore whose author has signed more than the chain knows of. */
interface Grown {
  newest: SignedOriginal
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

  /** An author has signed this, and every block of it has been here. */
  seen(original: SignedOriginal): void {
    const id = toHex(original.key)
    const grown = this.#grown.get(id)
    if (grown) {
      grown.newest = original
      if (original.byteLength >= grown.enoughBytes) grown.changed.wake()
      return
    }
    this.#grown.set(id, {
      newest: original,
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
        return hasCode(error, 'PLAN_EXCEEDED', 'ORIGINAL_INVALID') ? null : AGAIN_MS
      })
      if (waitMs === null && this.#grown.get(id) === grown) this.#grown.delete(id)
      else if (waitMs !== null && waitMs > 0) await grown.changed.wait(clock, waitMs, signal)
    }
  }

  /** Sends a growth if it is due. Returns how long to wait before another look, null if there is nothing to send. */
  async #step(grown: Grown): Promise<number | null> {
    const { chain, keyPair, signal, log } = this.#member
    const { newest } = grown
    const view = await chain.hypercore(newest.key, { signal })
    if (!view || view.state === 'lapsed' || newest.fork !== view.fork || newest.length <= view.length)
      return null
    const { parameters, clockNow } = await chain.info({ signal })
    const held = view.copies.filter(({ state }) => state === 'active')
    const place = held.findIndex(({ pinner }) => pinner !== null && equal(pinner, keyPair.publicKey))
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

  /** Whether a pinner whose turn was before has sent it meanwhile. */
  async #others({ key, length }: SignedOriginal, place: number): Promise<boolean> {
    const { chain, signal } = this.#member
    await this.#member.pause(place * TURN_MS)
    return ((await chain.hypercore(key, { signal }))?.length ?? length) >= length
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
