import { ProofError } from '../errors.js'

/** Reads what somebody else wrote: every number in its shortest form and in its bounds, every piece inside the bytes. */
export class ByteReader {
  readonly bytes: Uint8Array
  /** Where the next read begins. */
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** A whole number in min..max. `what` is for the message. @throws ProofError `EVIDENCE_MALFORMED` */
  varint(min: number, max: number, what: string): number {
    const first = this.#number(1)
    const [bytes, least] =
      first < 253 ? [0, 0] : first === 253 ? [2, 253] : first === 254 ? [4, 2 ** 16] : [8, 2 ** 32]
    const value = bytes === 0 ? first : this.#number(bytes)
    if (value < least) throw malformed(`${what} is not in its shortest form`)
    if (value < min || value > max) throw malformed(`${what} is ${value}, not ${min} to ${max}`)
    return value
  }

  /** Passes over `length` bytes and returns where they begin. @throws ProofError `EVIDENCE_MALFORMED` */
  skip(length: number): number {
    const from = this.at
    if (this.bytes.byteLength - from < length) throw malformed('it ends too early')
    this.at += length
    return from
  }

  /** Above 2^53 not exact, but above it too. */
  #number(bytes: number): number {
    const from = this.skip(bytes)
    let value = 0
    for (let i = bytes - 1; i >= 0; i--) value = value * 256 + this.bytes[from + i]!
    return value
  }
}

/** Appends a whole number below 2^53 in its shortest form. */
export function writeVarint(out: number[], value: number): void {
  const [tag, bytes] =
    value < 253 ? [value, 0] : value < 2 ** 16 ? [253, 2] : value < 2 ** 32 ? [254, 4] : [255, 8]
  out.push(tag)
  for (let i = 0, rest = value; i < bytes; i++, rest = Math.floor(rest / 256)) out.push(rest % 256)
}

export function malformed(why: string): ProofError {
  return new ProofError('EVIDENCE_MALFORMED', `This evidence cannot be read: ${why}`)
}
