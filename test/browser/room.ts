// What the programs of this folder have in common. They run in Node and, bundled, where there is nothing of Node: so neither
// `node:assert` nor a Buffer, and all that goes in or out is text.

import { UINT_MAX } from '../../src/bounds.js'

/** Bytes of hexadecimal digits. */
export function from(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16))
}

/** Counts what is compared, and throws at the first difference. */
export class Comparisons {
  count = 0

  /** Both as `shown` shows them. */
  same(actual: unknown, expected: unknown, what: string): void {
    this.count++
    const [found, wanted] = [shown(actual), shown(expected)]
    if (found !== wanted) throw new Error(`${what}: ${found} instead of ${wanted}`)
  }

  /** That a call is refused with this code. */
  refused(call: () => unknown, code: string, what: string): void {
    this.same(outcome(call), code, what)
  }
}

/** What a call returns, as text, or the code that it is refused with. */
export function outcome(call: () => unknown): string {
  try {
    return shown(call())
  } catch (error) {
    const { code, name, message } = error as { code?: string; name: string; message: string }
    // What has no code is trouble, and to be seen.
    return code ?? `${name}: ${message}`
  }
}

/** Text as it is, bytes as hexadecimal digits, bigints as decimal ones, all else as JSON of these. */
export function shown(value: unknown): string {
  const said = plain(value)
  return typeof said === 'string' ? said : JSON.stringify(said)
}

/** Not with a replacer of JSON's, which comes after a Buffer has turned itself into something else. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Array.from(value, digits).join('')
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}

function digits(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

/** Numbers that look random and are the same in every run: xorshift, 32 bits. */
export class Numbers {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 1
  }

  /** A whole number below `bound`, which is at most 2^32. */
  below(bound: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return Math.floor(((this.#state >>> 0) / 2 ** 32) * bound)
  }

  /** A whole number of any length up to `most`. */
  whole(most = UINT_MAX): number {
    const value = this.below(2 ** 32) * 2 ** 21 + this.below(2 ** 21)
    return Math.min(most, Math.floor(value / 2 ** this.below(53)))
  }

  amount(): bigint {
    const value = (BigInt(this.below(2 ** 32)) << 30n) | BigInt(this.below(2 ** 30))
    return value >> BigInt(this.below(62))
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  list<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make)
  }
}
