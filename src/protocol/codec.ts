import { readU64, readUint, writeU64, writeUint } from '../bytes.js'
import { ChainError } from '../errors.js'
import { UINT_MAX } from '../bounds.js'

/** The bytes being written or read, and where in them; the shape that compact-encoding uses too. */
export interface CodecState {
  start: number
  end: number
  buffer: Uint8Array | null
}

/** What a codec takes: from it tests make values of every format, and one beyond every bound. */
export type Layout =
  | { is: 'uint'; most: number }
  | { is: 'amount' | 'change' | 'flag' }
  | { is: 'fixed'; length: number }
  | { is: 'bytes' | 'text'; most: number }
  | { is: 'word'; words: readonly string[] }
  | { is: 'optional'; of: Type<unknown> }
  | { is: 'list'; most: number; of: Type<unknown> }
  | { is: 'struct'; fields: Readonly<Record<string, Type<unknown>>> }
  | { is: 'tuple'; types: readonly Type<unknown>[] }
  /** One of these, by the value of its field `by`, whose place in the list is written before it and behind the version, if there is one. */
  | { is: 'variant'; version?: number; by: string; of: Readonly<Record<string, Type<unknown>>> }

/** A compact-encoding codec whose decoder refuses every form but the one its encoder writes. */
export interface Type<T> {
  readonly layout: Layout
  preencode(state: CodecState, value: T): void
  encode(state: CodecState, value: T): void
  decode(state: CodecState): T
}

/** The value that a codec carries. */
export type Infer<C> = C extends Type<infer T> ? T : never

/** Largest amount, and largest integer a ledger column may hold: total supply stays below 2^62. */
export const MAX_AMOUNT = (1n << 62n) - 1n

function malformed(what: string): ChainError {
  return new ChainError('OPERATION_MALFORMED', `the bytes are not a valid operation: ${what}`)
}

/** The next `length` bytes: a view of what is read, of the class that it has. */
function take(state: CodecState, length: number): Uint8Array {
  const from = advance(state, length)
  return state.buffer!.subarray(from, from + length)
}

/** Steps over bytes that must be there; returns where they begin. */
function advance(state: CodecState, length: number): number {
  if (state.end - state.start < length) throw malformed('they end too early')
  const from = state.start
  state.start += length
  return from
}

function varintLength(value: number): number {
  return value <= 0xfc ? 1 : value <= 0xffff ? 3 : value <= 0xffffffff ? 5 : 9
}

function writeVarint(state: CodecState, value: number): void {
  const length = varintLength(value)
  const buffer = state.buffer!
  if (length === 1) buffer[state.start] = value
  else {
    buffer[state.start] = length === 3 ? 0xfd : length === 5 ? 0xfe : 0xff
    writeUint(buffer, value, state.start + 1, length - 1)
  }
  state.start += length
}

function bigVarintLength(value: bigint): number {
  return value <= 0xffffffffn ? varintLength(Number(value)) : 9
}

function writeBigVarint(state: CodecState, value: bigint): void {
  // A number is cheaper wherever it is exact.
  if (value <= 0x1fffffffffffffn) return writeVarint(state, Number(value))
  state.buffer![state.start] = 0xff
  writeU64(state.buffer!, value, state.start + 1)
  state.start += 9
}

function readVarint(state: CodecState): number | bigint {
  const buffer = state.buffer!
  const first = buffer[advance(state, 1)]!
  if (first <= 0xfc) return first
  const length = first === 0xfd ? 2 : first === 0xfe ? 4 : 8
  const at = advance(state, length)
  const value = length === 8 ? readU64(buffer, at) : readUint(buffer, at, length)
  if (value <= (first === 0xfd ? 0xfc : first === 0xfe ? 0xffff : 0xffffffff)) {
    throw malformed('a number is not in its shortest form')
  }
  return value
}

/** A whole number in 0..max; of what may be a loop's or an allocation's length the maximum is said. */
export function uint(max: number = UINT_MAX): Type<number> {
  return {
    layout: { is: 'uint', most: max },
    preencode(state, value) {
      state.end += varintLength(value)
    },
    encode(state, value) {
      if (!Number.isSafeInteger(value) || value < 0 || value > max) {
        throw malformed(`${value} is not a whole number in 0..${max}`)
      }
      writeVarint(state, value)
    },
    decode(state) {
      const value = readVarint(state)
      if (value > max) throw malformed(`${value} is above ${max}`)
      return Number(value)
    }
  }
}

/** Grains: a bigint in 0..2^62-1. */
export const amount: Type<bigint> = {
  layout: { is: 'amount' },
  preencode(state, value) {
    state.end += bigVarintLength(value)
  },
  encode(state, value) {
    if (typeof value !== 'bigint' || value < 0n || value > MAX_AMOUNT)
      throw malformed(`${value} is no amount`)
    writeBigVarint(state, value)
  },
  decode(state) {
    const value = BigInt(readVarint(state))
    if (value > MAX_AMOUNT) throw malformed(`${value} is above the largest amount`)
    return value
  }
}

/** A change of an account: a bigint within the amounts, either sign, zig-zag on the wire. */
export const change: Type<bigint> = {
  layout: { is: 'change' },
  preencode(state, value) {
    state.end += bigVarintLength(zigzag(value))
  },
  encode(state, value) {
    if (value > MAX_AMOUNT || value < -MAX_AMOUNT) throw malformed(`${value} is no change of an amount`)
    writeBigVarint(state, zigzag(value))
  },
  decode(state) {
    const coded = BigInt(readVarint(state))
    const value = coded & 1n ? -((coded + 1n) >> 1n) : coded >> 1n
    if (value > MAX_AMOUNT || value < -MAX_AMOUNT) throw malformed(`${value} is above the largest amount`)
    return value
  }
}

function zigzag(value: bigint): bigint {
  return value < 0n ? -2n * value - 1n : 2n * value
}

/** Exactly `length` bytes. */
export function fixed(length: number): Type<Uint8Array> {
  return {
    layout: { is: 'fixed', length },
    preencode(state) {
      state.end += length
    },
    encode(state, value) {
      if (value.byteLength !== length) throw malformed(`${value.byteLength} bytes where ${length} belong`)
      state.buffer!.set(value, state.start)
      state.start += length
    },
    decode: (state) => take(state, length)
  }
}

const length32 = uint(0xffffffff)

/** Up to `max` bytes with their length before them. */
export function bytes(max: number): Type<Uint8Array> {
  return {
    layout: { is: 'bytes', most: max },
    preencode(state, value) {
      length32.preencode(state, value.byteLength)
      state.end += value.byteLength
    },
    encode(state, value) {
      if (value.byteLength > max) throw malformed(`${value.byteLength} bytes where at most ${max} may be`)
      length32.encode(state, value.byteLength)
      state.buffer!.set(value, state.start)
      state.start += value.byteLength
    },
    decode(state) {
      const length = length32.decode(state)
      if (length > max) throw malformed(`${length} bytes where at most ${max} may be`)
      return take(state, length)
    }
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 text of up to `max` bytes. */
export function text(max: number): Type<string> {
  const raw = bytes(max)
  return {
    layout: { is: 'text', most: max },
    preencode: (state, value) => raw.preencode(state, encoder.encode(value)),
    encode: (state, value) => raw.encode(state, encoder.encode(value)),
    decode(state) {
      const value = raw.decode(state)
      try {
        return decoder.decode(value)
      } catch {
        throw malformed('a text is not UTF-8')
      }
    }
  }
}

/** One word of a fixed list, as its position. */
export function oneOf<const W extends readonly string[]>(words: W): Type<W[number]> {
  const index = uint(words.length - 1)
  return {
    layout: { is: 'word', words },
    preencode: (state) => index.preencode(state, 0),
    encode(state, value) {
      const at = words.indexOf(value)
      if (at < 0) throw malformed(`${value} is none of ${words.join(', ')}`)
      index.encode(state, at)
    },
    decode: (state) => words[index.decode(state)]!
  }
}

/** A value or null. */
export function optional<T>(type: Type<T>): Type<T | null> {
  return {
    layout: { is: 'optional', of: type },
    preencode(state, value) {
      state.end++
      if (value !== null) type.preencode(state, value)
    },
    encode(state, value) {
      state.buffer![state.start++] = value === null ? 0 : 1
      if (value !== null) type.encode(state, value)
    },
    decode(state) {
      const flag = state.buffer![advance(state, 1)]!
      if (flag > 1) throw malformed('a flag is neither 0 nor 1')
      return flag === 1 ? type.decode(state) : null
    }
  }
}

/** Up to `max` values of one type. */
export function list<T>(type: Type<T>, max: number): Type<T[]> {
  return {
    layout: { is: 'list', most: max, of: type },
    preencode(state, values) {
      length32.preencode(state, values.length)
      for (const value of values) type.preencode(state, value)
    },
    encode(state, values) {
      if (values.length > max) throw malformed(`a list of ${values.length} where at most ${max} may be`)
      length32.encode(state, values.length)
      for (const value of values) type.encode(state, value)
    },
    decode(state) {
      const length = length32.decode(state)
      // Every value takes a byte or more: a short message cannot ask for a long list.
      if (length > max || length > state.end - state.start) throw malformed(`a list of ${length} is too long`)
      const values: T[] = []
      for (let index = 0; index < length; index++) values.push(type.decode(state))
      return values
    }
  }
}

type Fields = Record<string, Type<never>>
type Values<F> = { -readonly [K in keyof F]: Infer<F[K]> }

/** The fields of an object, in the order written here. */
export function struct<const F extends { [K in keyof F]: Type<Infer<F[K]>> }>(fields: F): Type<Values<F>> {
  const entries = Object.entries(fields as unknown as Fields)
  return {
    layout: { is: 'struct', fields: fields as unknown as Record<string, Type<unknown>> },
    preencode(state, value) {
      for (const [name, type] of entries) type.preencode(state, value[name as keyof F] as never)
    },
    encode(state, value) {
      for (const [name, type] of entries) type.encode(state, value[name as keyof F] as never)
    },
    decode(state) {
      const value: Record<string, unknown> = {}
      for (const [name, type] of entries) value[name] = type.decode(state)
      return value as Values<F>
    }
  }
}

/** Some values of their own types, in the order written here. */
export function tuple<V extends unknown[]>(...types: { [K in keyof V]: Type<V[K]> }): Type<V> {
  const all: Type<unknown>[] = types
  return {
    layout: { is: 'tuple', types: all },
    preencode(state, values) {
      for (const [index, type] of all.entries()) type.preencode(state, values[index])
    },
    encode(state, values) {
      for (const [index, type] of all.entries()) type.encode(state, values[index])
    },
    decode: (state) => all.map((type) => type.decode(state)) as V
  }
}

/** How many bytes `encode` would make of `value`. */
export function encodedBytes<T>(type: Type<T>, value: T): number {
  const state: CodecState = { start: 0, end: 0, buffer: null }
  type.preencode(state, value)
  return state.end
}

/** The bytes of `value`. */
export function encode<T>(type: Type<T>, value: T): Uint8Array {
  const state: CodecState = { start: 0, end: 0, buffer: null }
  type.preencode(state, value)
  const buffer = new Uint8Array(state.end)
  state.buffer = buffer
  type.encode(state, value)
  return buffer
}

/** The value of `bytes`, all of them; byte strings in it are views of these. @throws ChainError OPERATION_MALFORMED */
export function decode<T>(type: Type<T>, from: Uint8Array): T {
  const state: CodecState = { start: 0, end: from.byteLength, buffer: from }
  const value = type.decode(state)
  if (state.start !== state.end) throw malformed('bytes are left over')
  return value
}
