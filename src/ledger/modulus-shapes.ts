import { hash } from '../crypto/hash.js'
import { shapeFault, type ShapeFault } from '../crypto/modulus.js'
import { toHex } from '../bytes.js'

/** Moduli whose shape is remembered: each is asked for once or twice, soon after it was seen. */
const REMEMBERED = 4_096

/**
 * What is wrong with the shape of moduli. It follows from the modulus alone, so it does not matter who worked it out: another thread
 * ahead of time, or this one when it is asked, as in a replay.
 */
export class ModulusShapes {
  readonly #known = new Map<string, ShapeFault | null>()

  /** Remembers what was worked out elsewhere. */
  note(modulus: Uint8Array, fault: ShapeFault | null): void {
    this.#known.set(nameOf(modulus), fault)
    if (this.#known.size <= REMEMBERED) return
    const [oldest] = this.#known.keys()
    this.#known.delete(oldest as string)
  }

  /** What is wrong with a modulus; works it out, some 15 ms, where that is not known. */
  faultOf(modulus: Uint8Array): ShapeFault | null {
    const known = this.#known.get(nameOf(modulus))
    if (known !== undefined) return known
    const fault = shapeFault(modulus)
    this.note(modulus, fault)
    return fault
  }
}

function nameOf(modulus: Uint8Array): string {
  return toHex(hash('datdot/modulus-shape/1', modulus))
}
