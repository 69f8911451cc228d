import { writeU64 } from '../../src/bytes.js'
import {
  MAX_AMOUNT,
  bytes,
  list,
  optional,
  struct,
  tuple,
  uint,
  type CodecState,
  type Type
} from '../../src/protocol/codec.js'

/** Where in a value a field is: names of fields, `[]` for whatever is in a list. */
export type Path = readonly string[]

/** A number of a format and the largest that it may be. */
export interface Bounded {
  path: Path
  most: number
}

/** Every whole number of a format. */
export function numbersOf({ layout }: Type<unknown>, path: Path = []): Bounded[] {
  switch (layout.is) {
    case 'uint':
      return [{ path, most: layout.most }]
    case 'optional':
      return numbersOf(layout.of, path)
    case 'list':
      return numbersOf(layout.of, [...path, '[]'])
    case 'struct':
    case 'variant': {
      const of = layout.is === 'struct' ? layout.fields : layout.of
      return Object.entries(of).flatMap(([name, type]) => numbersOf(type, [...path, name]))
    }
    case 'tuple':
      return layout.types.flatMap((type, index) => numbersOf(type, [...path, String(index)]))
    default:
      return []
  }
}

/** What values are made with: a whole number below `below`. */
export type Draw = (below: number) => number

/** How the values of one format are made. */
export interface Making {
  draw: Draw
  /** The number at this path gets this value, and everything on the way to it is there. */
  special?: { path: Path; value: number | bigint }
  /** Most values of a list, and most bytes of a string that may have any number. */
  listMost: number
  bytesMost: number
}

/** A value of a format within all of its bounds, but for what is special; edges are drawn often. */
export function valueOf(type: Type<unknown>, making: Making, path: Path = []): unknown {
  const { layout } = type
  const { draw, special, listMost, bytesMost } = making
  const leads = special !== undefined && path.every((name, at) => name === special.path[at])
  const made = (of: Type<unknown>, name: string): unknown => valueOf(of, making, [...path, name])
  switch (layout.is) {
    case 'uint':
      return leads && special.path.length === path.length ? special.value : numberUpTo(layout.most, draw)
    case 'amount':
      return bigUpTo(draw)
    case 'change':
      return draw(2) === 0 ? bigUpTo(draw) : -bigUpTo(draw)
    case 'flag':
      return draw(2) === 1
    case 'fixed':
      return bytesOf(layout.length, draw)
    case 'bytes':
      return bytesOf(numberUpTo(Math.min(layout.most, bytesMost), draw), draw)
    case 'text':
      return 'aä€😀'.slice(0, 2 * draw(3)).slice(0, Math.floor(layout.most / 4))
    case 'word':
      return layout.words[draw(layout.words.length)]
    case 'optional':
      return leads || draw(3) > 0 ? valueOf(layout.of, making, path) : null
    case 'list': {
      const length = Math.max(leads ? 1 : 0, numberUpTo(Math.min(layout.most, listMost), draw))
      return Array.from({ length }, () => made(layout.of, '[]'))
    }
    case 'struct':
      return Object.fromEntries(Object.entries(layout.fields).map(([name, of]) => [name, made(of, name)]))
    case 'tuple':
      return layout.types.map((of, index) => made(of, String(index)))
    case 'variant': {
      const names = Object.keys(layout.of)
      const name = (leads ? special.path[path.length] : undefined) ?? names[draw(names.length)]!
      return { [layout.by]: name, ...(made(layout.of[name]!, name) as object) }
    }
  }
}

/** The same format without any bound: encodes what its decoder must refuse. */
export function unbounded(type: Type<unknown>): Type<unknown> {
  const { layout } = type
  switch (layout.is) {
    case 'uint':
      return anyNumber
    case 'bytes':
      return bytes(0xffffffff)
    case 'optional':
      return optional(unbounded(layout.of))
    case 'list':
      return list(unbounded(layout.of), 0xffffffff)
    case 'struct':
      return struct(mapped(layout.fields))
    case 'tuple':
      return tuple(...layout.types.map(unbounded))
    case 'variant': {
      const of = mapped(layout.of)
      const names = Object.keys(of)
      const index = uint(names.length)
      const write = (
        state: CodecState,
        value: Record<string, unknown>,
        how: 'preencode' | 'encode'
      ): void => {
        const name = String(value[layout.by])
        if (layout.version !== undefined) index[how](state, layout.version)
        index[how](state, names.indexOf(name))
        of[name]![how](state, value)
      }
      return {
        layout,
        preencode: (state, value) => write(state, value as Record<string, unknown>, 'preencode'),
        encode: (state, value) => write(state, value as Record<string, unknown>, 'encode'),
        decode: (state) => type.decode(state)
      }
    }
    default:
      return type
  }
}

function mapped(of: Readonly<Record<string, Type<unknown>>>): Record<string, Type<unknown>> {
  return Object.fromEntries(Object.entries(of).map(([name, type]) => [name, unbounded(type)]))
}

const largest = uint(Number.MAX_SAFE_INTEGER)

/** A number of up to 64 bits, given as a bigint where it is above 2^53 - 1. */
const anyNumber: Type<unknown> = {
  layout: largest.layout,
  preencode(state, value) {
    if (typeof value === 'bigint') state.end += 9
    else largest.preencode(state, value as number)
  },
  encode(state, value) {
    if (typeof value !== 'bigint') return largest.encode(state, value as number)
    state.buffer![state.start] = 0xff
    writeU64(state.buffer!, value, state.start + 1)
    state.start += 9
  },
  decode: (state) => largest.decode(state)
}

/** Edges of every length that a number has on the wire, the bound, and anything else. */
function numberUpTo(most: number, draw: Draw): number {
  const edges = [0, 1, 252, 253, 0xffff, 0x10000, 0xffffffff, 2 ** 32, most - 1, most]
  const value = draw(2) === 0 ? edges[draw(edges.length)]! : draw(2 ** draw(40))
  return Math.max(0, Math.min(most, value))
}

function bigUpTo(draw: Draw): bigint {
  const edges = [0n, 1n, 2n ** 53n, MAX_AMOUNT - 1n, MAX_AMOUNT]
  return draw(2) === 0 ? edges[draw(edges.length)]! : BigInt(draw(2 ** 48)) << BigInt(draw(14))
}

function bytesOf(length: number, draw: Draw): Buffer {
  // Hashes, keys and chunks: what is in them a decoder does not look at.
  return Buffer.alloc(length, Buffer.of(draw(256), draw(256), draw(256)))
}

/** A small generator: the same seed, the same values. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
