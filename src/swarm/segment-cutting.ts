import { protocolError, type ChunkBytes } from './segment-messages.js'

/** Aim of one data message. Larger chunks are cut. */
export const MESSAGE_BYTES = 128 << 10

/** Puts chunks together that were cut over several messages; whole ones pass without a copy. */
export class Joiner {
  #chunk: Buffer | undefined
  #filled = 0

  get partial(): boolean {
    return this.#chunk !== undefined
  }

  *add(lengths: number[], bytes: Buffer): Generator<ChunkBytes> {
    let at = 0
    if (this.#chunk) {
      const taken = Math.min(this.#chunk.byteLength - this.#filled, bytes.byteLength)
      bytes.copy(this.#chunk, this.#filled, 0, taken)
      this.#filled += taken
      at = taken
      if (this.#filled === this.#chunk.byteLength) {
        yield { bytes: this.#chunk, lengths: [this.#filled] }
        this.#chunk = undefined
      }
    }
    const whole: number[] = []
    let end = at
    for (const [i, length] of lengths.entries()) {
      if (end + length > bytes.byteLength) {
        if (i !== lengths.length - 1 || this.#chunk) throw protocolError('lengths that do not fit the bytes')
        this.#chunk = Buffer.allocUnsafe(length)
        break
      }
      whole.push(length)
      end += length
    }
    if (whole.length > 0) yield { bytes: bytes.subarray(at, end), lengths: whole }
    if (this.#chunk && whole.length < lengths.length) {
      this.#filled = bytes.copy(this.#chunk, 0, end)
    } else if (end !== bytes.byteLength) {
      throw protocolError('bytes that belong to no chunk')
    }
  }
}

/** Cuts encoded chunks into messages: whole chunks up to the aim, a larger chunk into pieces. */
export function* cut({ bytes, lengths }: ChunkBytes): Generator<{ lengths: number[]; bytes: Uint8Array }> {
  let start = 0
  let end = 0
  let group: number[] = []
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] as number
    if (end > start && end - start + length > MESSAGE_BYTES) {
      yield { lengths: group, bytes: bytes.subarray(start, end) }
      group = []
      start = end
    }
    group.push(length)
    end += length
    while (end - start > MESSAGE_BYTES) {
      yield { lengths: group, bytes: bytes.subarray(start, start + MESSAGE_BYTES) }
      group = []
      start += MESSAGE_BYTES
    }
  }
  if (end > start) yield { lengths: group, bytes: bytes.subarray(start, end) }
}
