import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs'
import { primesOf } from './rsa-keys.js'

/** Whether one process can read another's memory here. */
export const canReadMemory = existsSync('/proc/self/mem')

const READ_BYTES = 8 << 20
/** Bits of a 32-bit word that choose a place in the filter. */
const FILTER_BITS = 20

/** Eight bytes at a time of a secret, by the form that it has in memory. */
export type Needles = Map<string, Buffer[]>

/**
 * All forms in which a private key is computed with: each prime p, the exponent d, R mod p, and N / p, as bytes in both
 * orders and as limbs of 52 and 58 bits and of doubles; and the bytes of the seed. Any eight bytes of them tell.
 */
export function keyNeedles(secretKey: Buffer, seed: Buffer): Needles {
  const needles: Needles = new Map([['seed', windowsOf(seed)]])
  const primes = primesOf(secretKey)
  const n = primes.reduce((product, p) => product * p, 1n)
  const primeBits = primes.length === 4 ? 512 : 704
  for (const p of primes) {
    const d = (1n + (p - 1n) * (65537n - inverse65537(p - 1n))) / 65537n
    const rests = [primeBits, primes.length === 4 ? 520 : 728, primes.length === 4 ? 522 : 696]
    const numbers: [string, bigint][] = [
      ['p', p],
      ['d', d],
      ['N / p', n / p],
      ...rests.map((bits): [string, bigint] => ['R mod p', (1n << BigInt(bits)) % p])
    ]
    for (const [name, number] of numbers) {
      const bytes = bytesLittleEndian(number)
      add(`${name}, little-endian`, windowsOf(bytes))
      add(`${name}, big-endian`, windowsOf(Buffer.from(bytes).reverse()))
      add(`${name}, limbs of 52 bits`, limbsOf(number, 52n))
      add(`${name}, limbs of 58 bits`, limbsOf(number, 58n))
      add(`${name}, doubles`, limbsOf(number, 52n, true))
    }
  }
  return needles

  function add(form: string, found: Buffer[]): void {
    needles.set(form, [...(needles.get(form) ?? []), ...found])
  }
}

/** How often which needles are in a process's memory, at addresses that are multiples of 4; those that are not are left out. */
export function searchMemory(pid: number, needles: Needles): Record<string, number> {
  const filter = new Uint8Array(1 << FILTER_BITS)
  const forms = new Map<bigint, string>()
  for (const [form, list] of needles) {
    for (const needle of list) {
      forms.set(needle.readBigUInt64LE(), form)
      filter[needle.readUInt32LE() & (filter.length - 1)] = 1
    }
  }
  const counts: Record<string, number> = {}
  const buffer = Buffer.from(new ArrayBuffer(READ_BYTES))
  const words = new Uint32Array(buffer.buffer)
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const { from, to } of readableRanges(pid)) {
      // Each read begins a word early, so that none is missed between two.
      for (let at = from; at < to; at += READ_BYTES - 4) {
        const bytes = read(memory, buffer, at, Math.min(READ_BYTES, to - at))
        if (bytes === 0) break
        for (let i = 0; i + 1 < bytes >> 2; i++) {
          if (filter[words[i]! & (filter.length - 1)] === 0) continue
          const form = forms.get((BigInt(words[i + 1]!) << 32n) | BigInt(words[i]!))
          if (form !== undefined) counts[form] = (counts[form] ?? 0) + 1
        }
      }
    }
  } finally {
    closeSync(memory)
  }
  return counts
}

function readableRanges(pid: number): { from: number; to: number }[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+ *(.*)$/.exec(line))
    .filter((match) => match !== null && !match[3]!.startsWith('[v'))
    .map((match) => ({ from: parseInt(match![1]!, 16), to: parseInt(match![2]!, 16) }))
}

/** Bytes read; 0 where the process has let go of the memory since. */
function read(memory: number, buffer: Buffer, at: number, length: number): number {
  try {
    return readSync(memory, buffer, 0, length, at)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 0
    throw error
  }
}

function windowsOf(bytes: Uint8Array): Buffer[] {
  return Array.from({ length: bytes.byteLength - 7 }, (_, i) => Buffer.from(bytes.subarray(i, i + 8)))
}

/** Each limb in eight bytes; without the highest, which may be too short to tell. */
function limbsOf(number: bigint, bits: bigint, double = false): Buffer[] {
  const limbs: Buffer[] = []
  for (let rest = number; rest >> bits > 0n; rest >>= bits) {
    const limb = Buffer.alloc(8)
    const value = rest & ((1n << bits) - 1n)
    if (double) limb.writeDoubleLE(Number(value))
    else limb.writeBigUInt64LE(value)
    if (value >> 40n > 0n) limbs.push(limb)
  }
  return limbs
}

function bytesLittleEndian(number: bigint): Buffer {
  const hex = number.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').reverse()
}

/** a^-1 mod 65537 */
function inverse65537(a: bigint): bigint {
  let result = 1n
  for (let i = 0; i < 65535; i++) result = (result * (a % 65537n)) % 65537n
  return result
}
