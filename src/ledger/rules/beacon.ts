import { hash, HASH_BYTES } from '#crypto/hash.js'
import { equal } from '../../bytes.js'
import { ChainError } from '../../errors.js'

/** Where a chain process takes its randomness from: one value a round. */
export interface BeaconSource {
  /** Value of a round, 1 and up. For the embedded one any round may be asked for; its owner keeps it secret. */
  value(round: number): Uint8Array
}

/** One layer outwards: what the value before `value` was. */
export function outerLayer(value: Uint8Array): Uint8Array {
  return hash('datdot/onion/1', value)
}

/** Whether `value` opens the layer under `shown`, the commitment or the value revealed last. */
export function opensLayer(shown: Uint8Array, value: Uint8Array): boolean {
  return value.byteLength === HASH_BYTES && equal(outerLayer(value), shown)
}

/** Whether `value` opens `layers` layers under `shown` at once: the values of the rounds between follow from it. */
export function opensLayers(shown: Uint8Array, value: Uint8Array, layers: number): boolean {
  return value.byteLength === HASH_BYTES && equal(earlierValue(value, layers), shown)
}

/** The value `rounds` rounds before that of `value`, in the same onion. */
export function earlierValue(value: Uint8Array, rounds: number): Uint8Array {
  let earlier = value
  for (let n = 0; n < rounds; n++) earlier = outerLayer(earlier)
  return earlier
}

/**
 * The embedded beacon: hash onions one after the other, each of `length` rounds, all from one secret.
 * The commitment of onion j is `H^length(seed_j)`; its round r shows `H^(length - r)(seed_j)`. It protects
 * against everyone but its owner.
 */
export class OnionBeacon implements BeaconSource {
  readonly length: number
  readonly #secret: Uint8Array
  readonly #stride: number
  #onion = -1
  #marks: Uint8Array[] = []
  #block = -1
  #layers: Uint8Array[] = []

  /** @param secret 32 bytes that only the chain holds. @param length rounds of one onion, 2..2^24 */
  constructor(secret: Uint8Array, length: number) {
    if (!Number.isInteger(length) || length < 2 || length > 1 << 24) {
      throw new ChainError('BEACON_LENGTH', `an onion has 2 to 2^24 layers, not ${length}`)
    }
    this.#secret = secret.slice()
    this.length = length
    this.#stride = Math.ceil(Math.sqrt(length))
  }

  /** What must be published before the first round of onion `index` (0 in genesis). */
  commitment(index = 0): Uint8Array {
    return this.#layer(index, 0).slice()
  }

  value(round: number): Uint8Array {
    if (!Number.isSafeInteger(round) || round < 1) throw new ChainError('BEACON_ROUND', `no round ${round}`)
    return this.#layer(Math.floor((round - 1) / this.length), ((round - 1) % this.length) + 1).slice()
  }

  /** Layer 0 is the commitment, layer `length` the seed. Every stride-th layer is kept, and one stride of them. */
  #layer(onion: number, layer: number): Uint8Array {
    if (onion !== this.#onion) this.#peel(onion)
    const block = Math.floor(layer / this.#stride)
    if (block !== this.#block) {
      const first = block * this.#stride
      const last = Math.min(first + this.#stride - 1, this.length)
      let value = this.#marks[block]!
      this.#layers = [value]
      for (let at = last; at > first; at--) this.#layers.unshift((value = outerLayer(value)))
      this.#block = block
    }
    return this.#layers[layer - block * this.#stride]!
  }

  /** Keeps the innermost layer of every block. */
  #peel(onion: number): void {
    let value: Uint8Array = hash('datdot/onion-seed/1', this.#secret, onion)
    this.#marks = []
    for (let layer = this.length; layer >= 0; layer--) {
      if (layer === this.length || layer % this.#stride === this.#stride - 1) {
        this.#marks[Math.floor(layer / this.#stride)] = value
      }
      if (layer > 0) value = outerLayer(value)
    }
    this.#onion = onion
    this.#block = -1
  }
}
