import type { Receipt } from '../protocol/views.js'

/** Receipts that are kept at a time. */
const KEPT = 65_536
/** Memory comes in pieces of so many of them, as they are needed. */
const PIECE = 1_024
/** seq, at, clock and arrived as doubles, then the hashes of operation and entry and the signature. */
const HASH = 32
const NUMBERS = 4 * 8
const BYTES = NUMBERS + 2 * HASH + 64
type Numbers = [seq: number, at: number, clock: number, arrived: number]
/** Stands for the arrival of what nobody waited for. */
const NOTHING = -1

/**
 * The receipts that were given last, by the hash of their operation. They are kept as bytes in pieces of memory: a receipt's own arrays are
 * views of a pool that Node shares out 8 KiB at a time, and each would keep all of its pool alive.
 */
export class RecentReceipts {
  readonly #places = new Map<string, number>()
  readonly #pieces: Buffer[] = []
  readonly #most: number
  /** Receipts that were ever kept. */
  #count = 0

  constructor(most = KEPT) {
    this.#most = most
  }

  /** Bytes that receipts take, without what the map of their places takes. */
  get bytes(): number {
    return this.#pieces.length * PIECE * BYTES
  }

  /** Keeps a receipt, in the place of the oldest if there are too many. */
  add({ seq, operation, entry, at, clock, arrived, signature }: Receipt): void {
    const key = keyOf(operation)
    if (this.#places.has(key)) return
    const place = this.#count++ % this.#most
    const slot = this.#slot(place)
    if (this.#count > this.#most) this.#places.delete(keyOf(slot.subarray(NUMBERS, NUMBERS + HASH)))
    for (const [i, value] of [seq, at, clock, arrived ?? NOTHING].entries()) slot.writeDoubleLE(value, 8 * i)
    slot.set(operation, NUMBERS)
    slot.set(entry, NUMBERS + HASH)
    slot.set(signature, NUMBERS + 2 * HASH)
    this.#places.set(key, place)
  }

  /** The receipt of the operation with this hash, if it is kept. */
  find(operation: Uint8Array): Receipt | undefined {
    const place = this.#places.get(keyOf(operation))
    if (place === undefined) return undefined
    const slot = this.#slot(place)
    const [seq, at, clock, arrived] = [0, 8, 16, 24].map((from) => slot.readDoubleLE(from)) as Numbers
    const hashes = new Uint8Array(slot.subarray(NUMBERS))
    return {
      seq,
      at,
      clock,
      arrived: arrived === NOTHING ? null : arrived,
      operation: hashes.subarray(0, HASH),
      entry: hashes.subarray(HASH, 2 * HASH),
      signature: hashes.subarray(2 * HASH)
    }
  }

  #slot(place: number): Buffer {
    const piece = (this.#pieces[Math.floor(place / PIECE)] ??= Buffer.alloc(PIECE * BYTES))
    const from = (place % PIECE) * BYTES
    return piece.subarray(from, from + BYTES)
  }
}

/** A hash as a string of a byte a character, half of what hex takes. */
function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('latin1')
}
